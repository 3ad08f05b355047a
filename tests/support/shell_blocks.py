"""The commands in the documents: blocks of the language sh, and the comments that say how a test runs them.

A block is run to its end, which has to be a success. A comment above it says something else:

    <!-- run until: TEXT -->   it runs to the end of the page; the next block follows when it has printed this
    <!-- exit code: 69 -->     it fails, with this exit code
    <!-- not run: REASON -->   no test runs it
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent

_BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<kind>run until|exit code|not run): (?P<value>.+) -->\n *)?"
    r"```(?P<language>.*)\n(?P<commands>(?s:.*?))^ *```$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of code in Markdown."""

    language: str
    commands: str
    run_until: str = ""
    exit_code: int = 0
    not_run: str = ""
    """Why no test runs it."""


def read_blocks(page: str) -> Iterator[Block]:
    """Yield all blocks of a page, also those of other languages than sh."""
    for match in _BLOCK.finditer(page):
        value = match["value"]
        yield Block(
            language=match["language"],
            commands=dedent(match["commands"]),
            run_until=value if match["kind"] == "run until" else "",
            exit_code=int(value) if match["kind"] == "exit code" else 0,
            not_run=value if match["kind"] == "not run" else "",
        )
