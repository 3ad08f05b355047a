"""The reads that follow each message of 1688: a row for each payload and RPC, in the order of the protos.

`python -m tools.message_reads` prints the rows as JSON, for tools/generation/client_data.py.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE
from nationalsite.upstream import v1 as upstream_v1

from tools.usage import build_parser


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRead:
    """One row. docs/messages.md describes the members for callers."""

    payload: str
    topics: tuple[str, ...]
    rpc: str
    fields: tuple[str, ...]


def list_reads(message: Descriptor = protos.Message.DESCRIPTOR) -> Iterator[MessageRead]:
    """Yield the reads of all payloads. Raises ValueError if an option names what does not exist."""
    for payload in message.oneofs_by_name["payload"].fields:
        options = payload.GetOptions()
        topics = options.Extensions[upstream_v1.field].topics
        for option in options.Extensions[upstream_v1.reads]:
            if unknown := set(option.topics) - set(topics):
                raise ValueError(f"{payload.full_name}: no topics {sorted(unknown)}")
            if not option.fields:
                raise ValueError(f"{payload.full_name}: no fields for {option.rpc}")
            for path in option.fields:
                _check_path(payload, option.rpc, path)
            yield MessageRead(
                payload=payload.name,
                topics=tuple(option.topics),
                rpc=option.rpc,
                fields=tuple(option.fields),
            )


def format_reads() -> str:
    """Return the rows as a JSON list, with a line for each."""
    lines = (json.dumps(asdict(read)) for read in list_reads())
    return "[\n  " + ",\n  ".join(lines) + "\n]\n"


def _check_path(payload: FieldDescriptor, rpc: str, path: str) -> None:
    """Check that a path leads to a field that the RPC's request has too, with the same type."""
    method = ORDER_SYNC_SERVICE.methods_by_name.get(rpc)
    if method is None:
        raise ValueError(f"{payload.full_name}: no RPC {rpc}")
    source: FieldDescriptor | None = payload
    for name in path.split("."):
        message = source.message_type if source else None
        source = message.fields_by_name.get(name) if message else None
    target = method.input_type.fields_by_name.get(path.rpartition(".")[2])
    if source is None or target is None or source.type != target.type:
        raise ValueError(f"{payload.full_name}: {path} is not a field of {rpc}'s request and of the payload")


if __name__ == "__main__":
    build_parser(
        "python -m tools.message_reads", __doc__, "python -m tools.message_reads > message_reads.json"
    ).parse_args()
    print(format_reads(), end="")
