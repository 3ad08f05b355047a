"""That the shared cases can be made, and that every client makes them; in the quick suite."""

import json
from collections import Counter

import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass

from tests.polyglot.rendering import CASES, HERE, render
from tests.polyglot.test_languages import EXAMPLES, TOOLS
from tests.support.sample_cases import SERVICES
from tools.local_stack import ROOT

CLIENTS = sorted(path.name for path in (ROOT / "clients").iterdir() if path.is_dir())
METHODS = {
    f"{method.containing_service.full_name}/{method.name}": method
    for service in SERVICES.values()
    for method in service.methods
}


@pytest.mark.parametrize("language", CLIENTS)
def test_a_client_has_a_runner_and_examples(language: str) -> None:
    assert language in TOOLS
    for folder in (HERE / language, ROOT / "examples" / language):
        for script in ("build", "run"):
            assert (folder / script).stat().st_mode & 0o111, f"{folder / script} cannot be run"
    assert [name for name, example in EXAMPLES.items() if language in example["languages"]]


def test_requests_are_of_their_rpcs(tmp_path) -> None:
    render(tmp_path / "cases", {"language": "any", "message_id": "1", "started": "2026-09-03T01:10:10Z"})
    for path in sorted((tmp_path / "cases").iterdir()):
        case = json.loads(path.read_text(encoding="utf-8"))
        assert "${" not in path.read_text(encoding="utf-8")
        method = METHODS[case["rpc"]]
        steps = case.get("stream", [{"send": case.get("request")}])
        for step in steps:
            for kind, fields in step.items():
                of = method.input_type if kind == "send" else method.output_type
                json_format.ParseDict(fields, GetMessageClass(of)())


def test_what_the_server_sees_tells_cases_apart() -> None:
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in CASES]
    seen = Counter((case["at"], case["rpc"], case["seen"]["status"]) for case in cases if "seen" in case)
    assert seen
    assert set(seen.values()) == {1}
    told = Counter((case.get("at"), case["rpc"], case["expect"].get("status", "OK")) for case in cases)
    assert {key: told[key] for key in seen} == seen
