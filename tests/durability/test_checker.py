"""The checker accepts the histories in `histories/valid`, and finds one violation in each of the others.

`histories/invalid/<rule>.<case>.jsonl` breaks exactly that rule.
"""

from pathlib import Path

import pytest

from tests.durability.history.checker import RULES, check
from tests.durability.history.events import parse_lines, read_history, to_line

HISTORIES = Path(__file__).parent / "histories"
VALID = sorted((HISTORIES / "valid").glob("*.jsonl"))
INVALID = sorted((HISTORIES / "invalid").glob("*.jsonl"))


def test_every_rule_has_a_history_that_breaks_it() -> None:
    assert {path.name.partition(".")[0] for path in INVALID} == set(RULES)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_history_has_no_violations(path: Path) -> None:
    assert check(read_history(path)) == []


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_a_violation_is_found(path: Path) -> None:
    violations = check(read_history(path))
    assert {violation.rule for violation in violations} == {path.name.partition(".")[0]}, violations


@pytest.mark.parametrize("path", [*VALID, *INVALID], ids=lambda path: path.stem)
def test_events_are_written_as_they_are_read(path: Path) -> None:
    events = read_history(path)
    assert events
    assert parse_lines(map(to_line, events)) == events
