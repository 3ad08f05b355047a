"""The project uses the standard terms of its field: its former private words must not come back."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOT_TEXT = {".png", ".jpg", ".binpb"}
STANDARD_TERMS = {
    r"handouts?": "delivery, dispatcher",
    r"twins?": "shadow message",
    r"gathering": "batching",
    r"wakeups?": "notification",
    r"(?:un)?told": "returned, reported",
    r"whoever|everybody|somebody": "the caller, the replica, the process",
    r"companions?": "client library",
    r"pictures?": "image",
    r"parcels?": "logistics order",
    r"refusals?": "error mapping, rejection",
    r"(?:and|its|their) kin": "a list of what is meant",
    r"hasty|likeness|troubles|unfit": "a word that says what it is",
}


@pytest.fixture(scope="module")
def lines() -> list[tuple[str, str]]:
    """Return every line that people read, with its place."""
    excluded = (":!gen", ":!tests/samples", ":!tests/test_vocabulary.py", ":!*requirements*", ":!*lock*")
    files = subprocess.run(  # noqa: S603 # our own arguments
        ["git", "ls-files", "--", ".", *excluded],  # noqa: S607 # the git in PATH
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [
        (f"{name}:{number}", line)
        for name in files
        if Path(name).suffix not in NOT_TEXT and (ROOT / name).is_file()
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), start=1)
    ]


@pytest.mark.parametrize("private_word", STANDARD_TERMS)
def test_the_standard_term_is_used(private_word: str, lines: list[tuple[str, str]]) -> None:
    assert len(lines) > 10_000
    pattern = re.compile(rf"(?<![A-Za-z])(?:{private_word})(?![A-Za-z])", re.IGNORECASE)
    places = [f"{place}: {line.strip()}" for place, line in lines if pattern.search(line)]
    assert places == [], f"the standard term is: {STANDARD_TERMS[private_word]}"
