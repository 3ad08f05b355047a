"""Relative links in the documents lead to an existing file or folder, and to an existing heading."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<!`)\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
EXTERNAL = ("http://", "https://", "mailto:")


PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("clients/*/README.md"),
        *ROOT.glob("tests/*/README.md"),
    ]
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    broken = [
        target
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not target.startswith(EXTERNAL) and not resolves(page, target)
    ]
    assert not broken


def resolves(page: Path, target: str) -> bool:
    """Return whether a link of a page has a target."""
    path, _, anchor = target.partition("#")
    linked = (page.parent / path).resolve() if path else page
    if not anchor or linked.suffix != ".md":
        return linked.exists()
    return linked.exists() and anchor in anchors(linked.read_text(encoding="utf-8"))


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
