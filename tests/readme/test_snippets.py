"""Code in README.md, docs/ and clients/ is taken from the examples, which run: each block says from where.

`<!-- snippet examples/python/sync_order.py enqueue -->` stands in the line above a block. In the source the
region is between `[snippet enqueue]` and `[/snippet]`, each in a comment of its own; without a name it is the
whole file.
"""

import re
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("clients/*/README.md"))]
BLOCK = re.compile(
    r"(?:<!-- snippet (?P<source>\S+)(?: (?P<region>[\w-]+))? -->\n)?"
    r"```(?P<language>\w+)\n(?P<code>.*?)```",
    re.S,
)
LANGUAGES = {"go": "go", "java": "java", "python": "python", "typescript": "ts"}
"""Blocks of these have to come from an example, once there is a folder of the language's under examples/."""

FOUND = [
    pytest.param(page, each.groupdict(), id=f"{page.relative_to(ROOT)}-{number}-{each['language']}")
    for page in PAGES
    for number, each in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8")))
    if each["source"] or each["language"] in LANGUAGES
]


@pytest.mark.parametrize(("page", "block"), FOUND)
def test_code_is_that_of_an_example(page: Path, block: dict[str, str]) -> None:
    if not block["source"]:
        examples = ROOT / "examples" / LANGUAGES[block["language"]]
        assert not examples.exists(), f"{page.name}: code that is from nowhere:\n{block['code']}"
        return
    source = (ROOT / block["source"]).read_text(encoding="utf-8")
    code = region(source, block["region"]) if block["region"] else source
    # ruff format ends a Python block without blank lines, and a Python function with two.
    assert block["code"].rstrip("\n") == code.rstrip("\n")


def test_there_is_code() -> None:
    assert any(block.values[1]["source"] for block in FOUND)


def region(source: str, name: str) -> str:
    """Return a region of a source, without its indentation."""
    begin, end = rf"^[^\n]*\[snippet {re.escape(name)}\][^\n]*\n", r"^[^\n]*\[/snippet\]"
    inside = re.search(f"{begin}(.*?){end}", source, re.M | re.S)
    assert inside, f"no [snippet {name}]"
    return dedent(inside[1])
