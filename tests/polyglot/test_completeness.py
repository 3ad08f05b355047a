"""Checks that the shared cases are valid, and that every client library runs them; in the quick suite."""

import json
import re
from collections import Counter

import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from nationalsite.ordersync import v1 as protos
from nationalsite.upstream import v1 as upstream_v1

from tests.polyglot.rendering import CASES, HERE, render
from tests.polyglot.test_languages import EXAMPLES, MESSAGES
from tests.polyglot.toolchains import REQUIRED_TOOLS
from tests.support.sample_cases import SERVICES
from tools.local_stack import ROOT

CLIENTS = sorted(path.name for path in (ROOT / "clients").iterdir() if path.is_dir())
METHODS = {
    f"{method.containing_service.full_name}/{method.name}": method
    for service in SERVICES.values()
    for method in service.methods
}


@pytest.mark.parametrize("language", CLIENTS)
def test_client_library_has_a_runner_and_examples(language: str) -> None:
    assert language in REQUIRED_TOOLS
    for folder in (HERE / language, ROOT / "examples" / language):
        for script in ("build", "run"):
            assert (folder / script).stat().st_mode & 0o111, f"{folder / script} is not executable"
    assert [name for name, example in EXAMPLES.items() if language in example["languages"]]


def test_requests_fit_their_rpcs(tmp_path) -> None:
    render(tmp_path / "cases", {"language": "any", "message_id": "1", "start_time": "2026-09-03T01:10:10Z"})
    for path in sorted((tmp_path / "cases").iterdir()):
        case = json.loads(path.read_text(encoding="utf-8"))
        assert "${" not in path.read_text(encoding="utf-8")
        method = METHODS[case["rpc"]]
        steps = case.get("stream", [{"send": case.get("request")}])
        for step in steps:
            for direction, fields in step.items():
                if direction == "save":
                    continue
                message_type = method.input_type if direction == "send" else method.output_type
                json_format.ParseDict(fields, GetMessageClass(message_type)())


def test_every_topic_has_reads_in_a_case() -> None:
    payloads = protos.Message.DESCRIPTOR.oneofs_by_name["payload"].fields
    options = [field.GetOptions().Extensions[upstream_v1.field] for field in payloads]
    case = json.loads((HERE / "cases" / "messages_5_reads.json").read_text())
    reads = {
        message["topic"]: reads for message, reads in zip(MESSAGES, case["expect"]["reads"], strict=True)
    }
    assert len(MESSAGES) == len(reads)
    assert {topic for topic, each in reads.items() if each} == {
        topic for option in options for topic in option.topics
    }


def test_saved_values_are_saved_before_they_are_used() -> None:
    saved: set[str] = set()
    for path in CASES:
        case = json.loads(path.read_text(encoding="utf-8"))
        for part in [*case.pop("stream", []), case]:
            assert set(re.findall(r"\{\{(\w+)\}\}", json.dumps(part))) <= saved, path.name
            assert saved.isdisjoint(part.get("save", {})), "another case has saved this name"
            saved |= set(part.get("save", {}))
    assert saved


def test_server_calls_identify_their_case() -> None:
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in CASES]
    counted = Counter(
        (case["target"], case["rpc"], case["server_calls"]["status"])
        for case in cases
        if "server_calls" in case
    )
    assert counted
    assert set(counted.values()) == {1}
    expected = Counter(
        (case.get("target"), case["rpc"], case["expect"].get("status", "OK")) for case in cases
    )
    assert {key: expected[key] for key in counted} == counted


def test_upstream_attempts_identify_their_case() -> None:
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in CASES]
    counted = [case for case in cases if "upstream_attempts" in case]
    assert counted
    assert all(case["target"].startswith("FAILING_") for case in counted)
    calls = Counter((case.get("target"), case["rpc"]) for case in cases)
    assert {calls[case["target"], case["rpc"]] for case in counted} == {1}
