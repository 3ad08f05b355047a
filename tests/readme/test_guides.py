"""The guides name every reason, every write of unknown outcome, every sync and every state of the protos.

tests/clients/test_message_reads.py compares the topics and their reads.
"""

import re

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from nationalsite.errors import v1 as errors_v1
from nationalsite.ordersync import v1 as protos
from nationalsite.upstream.v1 import options_pb2

from services.server import REASON_RULES
from tests.support.sample_cases import SERVICES
from tools.local_stack import ROOT

GUIDES = ROOT / "docs" / "guides"
RPCS = {method.name: method for service in SERVICES.values() for method in service.methods}
DIAGRAM = re.compile(r"^```mermaid\nstateDiagram-v2\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)
TRANSITION = re.compile(r"^ +(?P<source>\S+) --> (?P<target>[^:\s]+)(?:: (?P<cause>.*))?$")


def read_guide(name: str) -> str:
    return (GUIDES / name).read_text(encoding="utf-8")


def read_rows(guide: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its header."""
    _, _, section = read_guide(guide).partition(f"\n## {heading}\n")
    lines = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_every_reason_stands_once_beside_its_retry() -> None:
    rows = read_rows("errors.md", "Reason by reason")
    named = [(name, retry.strip("`")) for retry, names, _ in rows for name in re.findall(r"`(\w+)`", names)]
    expected = [(name, errors_v1.Retry.Name(rule.retry)) for name, rule in REASON_RULES.items()]
    assert sorted(named) == sorted(expected)


def test_every_write_of_unknown_outcome_is_named() -> None:
    """These are the calls of 1688 that are not idempotent."""
    writes = {
        name
        for name, method in RPCS.items()
        if method.GetOptions().idempotency_level == MethodOptions.IDEMPOTENCY_UNKNOWN
        and method.GetOptions().Extensions[options_pb2.operation].api
    }
    rows = read_rows("errors.md", "OUTCOME_UNKNOWN, RPC by RPC")
    assert {row[0].strip("`") for row in rows} == writes


def test_every_sync_is_named() -> None:
    text = read_guide("durable-or-direct.md")
    rows = re.findall(r"^\| .* \| `(\w+)` \| `(\w+)` \|$", text, re.MULTILINE)
    members = protos.EnqueueSyncRequest.DESCRIPTOR.oneofs_by_name["sync"].fields
    assert [member for _, member in rows] == [field.name for field in members]
    assert {rpc for rpc, _ in rows} <= RPCS.keys()


def read_diagrams() -> list[tuple[str, str]]:
    return [
        (path.name, match["lines"])
        for path in sorted(GUIDES.glob("*.md"))
        for match in DIAGRAM.finditer(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("guide", "lines"), read_diagrams())
def test_states_are_those_of_the_protos(guide: str, lines: str) -> None:
    """A comment in the diagram names the enum. The states of a message have none."""
    enum_name = re.search(r"%% (\S+)", lines)
    transitions = [match for line in lines.splitlines() if (match := TRANSITION.match(line))]
    assert len(transitions) == len(lines.splitlines()) - bool(enum_name)
    states = {state for match in transitions for state in (match["source"], match["target"])} - {"[*]"}
    causes = [match["cause"] or "" for match in transitions]
    assert set(re.findall(r"\b(?:[A-Z][a-z]+){2,}\b", " ".join(causes))) <= RPCS.keys()
    if not enum_name:
        assert (guide, states) == ("messages.md", {"Pending", "Leased", "Dead"})
        return
    enum: EnumDescriptor = descriptor_pool.Default().FindEnumTypeByName(enum_name[1])
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    assert states == {value.name.removeprefix(prefix) for value in enum.values if value.number}


def test_the_index_lists_every_guide() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in GUIDES.glob("*.md") if f"](guides/{path.name})" not in index] == []


def test_orders_refunds_deliveries_and_messages_are_drawn() -> None:
    assert len(read_diagrams()) == 4
