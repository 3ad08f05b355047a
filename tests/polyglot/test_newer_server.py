"""The client library of every language calls a server of a later release: every RPC, and what it has not yet.

The cases and the server are in tests/compatibility; the runners are those of the other cases.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compatibility.newer_server import TARGET, newer_server, write_cases
from tests.polyglot.rendering import HERE
from tests.polyglot.test_languages import LANGUAGES, RUN_TIMEOUT_S
from tests.polyglot.toolchains import build, run_process


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with newer_server() as address:
        yield address


@pytest.mark.parametrize(
    "language",
    [
        pytest.param(language, marks=pytest.mark.slow if language == "python" else pytest.mark.polyglot)
        for language in LANGUAGES
    ],
)
def test_a_client_reads_what_it_knows(language: str, address: str, tmp_path: Path) -> None:
    error = build(language, HERE / language)
    assert not error, error
    cases = write_cases(tmp_path / "cases")
    variables = os.environ | {"POLYGLOT_CASES": str(tmp_path / "cases"), f"POLYGLOT_{TARGET}": address}
    runner = run_process([HERE / language / "run"], RUN_TIMEOUT_S, variables)
    results = {result["case"]: result for result in map(json.loads, runner.stdout.splitlines())}
    assert (runner.returncode, set(results)) == (0, cases), runner.stderr[-4000:]
    failures = {name: each["differences"] for name, each in results.items() if not each["passed"]}
    assert not failures, "\n".join(f"{name}: {differences}" for name, differences in failures.items())
