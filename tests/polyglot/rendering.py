"""Cases as runners get them: plain protobuf JSON, in which nothing is left to replace."""

import base64
import json
import re
import uuid
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).resolve().parent
CASES = sorted((HERE / "cases").glob("*.json"))
_PLACE = re.compile(r"\$\{(\w+)(?::(\w+))?\}")


def render(folder: Path, texts: Mapping[str, str]) -> None:
    """Write every case to a folder. `texts` are what `${name}` becomes; a UUID is new for each folder."""
    run = uuid.uuid4()

    def text(place: re.Match[str]) -> str:
        name, argument = place.groups()
        return str(uuid.uuid5(run, argument)) if name == "uuid" else texts[name]

    def rendered(value: Any) -> Any:
        match value:
            case {"$jpeg": size}:
                return base64.b64encode(_jpeg(size)).decode()
            case dict():
                return {name: rendered(member) for name, member in value.items()}
            case list():
                return [rendered(member) for member in value]
            case str():
                return _PLACE.sub(text, value)
        return value

    folder.mkdir(parents=True)
    for path in CASES:
        case = rendered(json.loads(path.read_text(encoding="utf-8")))
        (folder / path.name).write_text(json.dumps(case, ensure_ascii=False), encoding="utf-8")


def _jpeg(size: int) -> bytes:
    """A JPEG of so many bytes: what follows its end is passed over."""
    out = BytesIO()
    Image.new("RGB", (400, 300), "orange").save(out, "JPEG")
    return out.getvalue().ljust(size, b"\0")
