"""Prepares cases for runners: replaces all placeholders, so that requests are plain protobuf JSON."""

import base64
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).resolve().parent
CASES = sorted((HERE / "cases").glob("*.json"))
_PLACEHOLDER = re.compile(r"\$\{(\w+)(?::(\w+))?\}")


def render(folder: Path, variables: Mapping[str, str], cases: Sequence[Path] = CASES) -> None:
    """Write the cases to a folder. `variables` replace `${name}`; UUIDs differ from folder to folder."""
    uuid_namespace = uuid.uuid4()

    def replace(placeholder: re.Match[str]) -> str:
        name, argument = placeholder.groups()
        return str(uuid.uuid5(uuid_namespace, argument)) if name == "uuid" else variables[name]

    def render_value(value: Any) -> Any:
        match value:
            case {"$jpeg": size}:
                return base64.b64encode(_build_jpeg(size)).decode()
            case dict():
                return {name: render_value(member) for name, member in value.items()}
            case list():
                return [render_value(member) for member in value]
            case str():
                return _PLACEHOLDER.sub(replace, value)
        return value

    folder.mkdir(parents=True)
    for path in cases:
        case = render_value(json.loads(path.read_text(encoding="utf-8")))
        (folder / path.name).write_text(json.dumps(case, ensure_ascii=False), encoding="utf-8")


def _build_jpeg(size: int) -> bytes:
    """Return a JPEG of this many bytes. Decoders ignore the padding behind the image."""
    out = BytesIO()
    Image.new("RGB", (400, 300), "orange").save(out, "JPEG")
    return out.getvalue().ljust(size, b"\0")
