"""Reads scenarios. README.md explains their format."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import text_format
from google.protobuf.message import Message

HERE = Path(__file__).resolve().parent
ACTIONS = frozenset(
    {"deliver", "lapse", "unknown", "end", "drain", "shut_down", "start", "return", "fail", "stop"}
)
"""Steps that are done at once."""
EXPECTED_REQUESTS = frozenset({"refused", "opened", "acked", "extended", "released", "closed"})
"""Steps that wait for what the consumer sends to the server."""
EXPECTED_EVENTS = frozenset({"started", "cancelled", "ended"})
"""Steps that wait for what the driver prints."""
WITH_IDS = frozenset({"deliver", "lapse", "acked", "extended", "released", "started"})
"""Steps with a list of ack ids."""
WITH_MESSAGE_IDS = frozenset({"return", "fail", "cancelled"})
"""Steps with a list of message ids."""
DEFAULT_TIMEOUT_MS = 20_000
DEFAULT_OPTIONS: Mapping[str, Any] = {"lease_ms": 600_000}
"""The library's default, a minute, could be extended during a slow run."""

_ID = re.compile(r"(?:(?P<first>\d+)\.\.)?(?P<last>\w+)(?:#(?P<attempt>\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a scenario."""

    kind: str
    value: Any
    """A list of ids, or the mapping of the file."""
    after_ms: int = 0
    within_ms: int = DEFAULT_TIMEOUT_MS

    def __str__(self) -> str:
        return f"{self.kind}: {shorten(self.value)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What a server and handlers do, and what the consumer has to do."""

    name: str
    description: str
    options: Mapping[str, Any]
    steps: tuple[Step, ...]
    ends_streams: bool
    """Whether the server ends a stream whose other side the consumer has closed."""
    is_slow: bool
    """Whether it takes more than four seconds."""

    @property
    def ignores_cancellation(self) -> bool:
        return bool(self.options.get("ignores_cancellation"))

    @property
    def needs_cancellation(self) -> bool:
        """Whether only a consumer passes that can stop a handler."""
        return not self.ignores_cancellation and any(step.kind == "cancelled" for step in self.steps)


def read_scenarios() -> list[Scenario]:
    """Return all scenarios, by name."""
    return [_read(path) for path in sorted((HERE / "scenarios").glob("*.yaml"))]


def shorten(value: Any) -> Any:
    """Return a value for people: of a long list only its length, and a message in one line."""
    if isinstance(value, list) and len(value) > 20:
        return f"{len(value)} ids"
    return text_format.MessageToString(value, as_one_line=True) if isinstance(value, Message) else value


def _read(path: Path) -> Scenario:
    fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    scenario = Scenario(
        name=path.stem,
        description=fields.pop("description"),
        options=fields.pop("options", {}),
        steps=tuple(_build_step(path, step) for step in fields.pop("steps")),
        ends_streams=fields.pop("ends_streams", True),
        is_slow=fields.pop("slow", False),
    )
    if fields:
        raise ValueError(f"{path}: unknown members: {', '.join(fields)}")
    return scenario


def _build_step(path: Path, fields: dict[str, Any]) -> Step:
    times = {name: fields.pop(name) for name in ("after_ms", "within_ms") if name in fields}
    ((kind, value),) = fields.items()
    if kind not in ACTIONS | EXPECTED_REQUESTS | EXPECTED_EVENTS | {"nothing"}:
        raise ValueError(f"{path}: unknown step: {kind}")
    if times and kind not in EXPECTED_REQUESTS | EXPECTED_EVENTS:
        raise ValueError(f"{path}: {kind} does not wait")
    if kind in WITH_IDS | WITH_MESSAGE_IDS:
        value = [each for text in value for each in _expand(str(text))]
        if any(("#" in each) is not (kind in WITH_IDS) for each in value):
            raise ValueError(f"{path}: {kind} has ids of the other kind")
    return Step(kind=kind, value=value, **times)


def _expand(text: str) -> Iterator[str]:
    """Yield the ids that `1..3#1` is short for."""
    match = _ID.fullmatch(text)
    if not match:
        raise ValueError(f"not an id: {text}")
    suffix = f"#{match['attempt']}" if match["attempt"] else ""
    if match["first"]:
        for number in range(int(match["first"]), int(match["last"]) + 1):
            yield f"{number}{suffix}"
    else:
        yield f"{match['last']}{suffix}"
