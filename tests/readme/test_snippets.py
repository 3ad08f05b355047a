"""Code blocks in README.md, docs/ and clients/ are copies of the examples, which are run by tests.

`<!-- snippet examples/python/sync_order.py enqueue -->` above a block names its source and region. In the
source, the region is between the comments `[snippet enqueue]` and `[/snippet]`. Without a region, the block
is the whole file.
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
"""Languages whose blocks need a source, if there is a directory of the language in examples/."""

BLOCKS = [
    pytest.param(page, match.groupdict(), id=f"{page.relative_to(ROOT)}-{number}-{match['language']}")
    for page in PAGES
    for number, match in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8")))
    if match["source"] or match["language"] in LANGUAGES
]


@pytest.mark.parametrize(("page", "block"), BLOCKS)
def test_code_is_a_copy_of_an_example(page: Path, block: dict[str, str]) -> None:
    if not block["source"]:
        examples = ROOT / "examples" / LANGUAGES[block["language"]]
        assert not examples.exists(), f"{page.name}: code without a source:\n{block['code']}"
        return
    source = (ROOT / block["source"]).read_text(encoding="utf-8")
    code = region(source, block["region"]) if block["region"] else source
    # ruff format ends a Python block without blank lines, and a Python function with two.
    assert block["code"].rstrip("\n") == code.rstrip("\n")


def test_there_are_blocks_with_a_source() -> None:
    assert any(
        match["source"] for page in PAGES for match in BLOCK.finditer(page.read_text(encoding="utf-8"))
    )


def region(source: str, name: str) -> str:
    """Return a region of a source, without its indentation."""
    begin, end = rf"^[^\n]*\[snippet {re.escape(name)}\][^\n]*\n", r"^[^\n]*\[/snippet\]"
    inside = re.search(f"{begin}(.*?){end}", source, re.M | re.S)
    assert inside, f"no [snippet {name}]"
    return dedent(inside[1])
