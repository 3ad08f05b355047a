"""Every threat of docs/security.md names tests that prove what stops it, and these tests exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
TEST = re.compile(r"`(?P<path>tests/[\w/]+\.py)::(?P<name>test_\w+)`")


def threats() -> list[list[str]]:
    """Return the cells of the rows of the table, without its header and headings."""
    _, _, section = PAGE.partition("\n## Threats and what stops them\n")
    lines = section.partition("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("|")]
    return [row for row in rows[2:] if not row[0].startswith("**")]


@cache
def names_of_tests(path: str) -> frozenset[str]:
    """Return the names of the tests in a file."""
    file = ROOT / path
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if file.is_file() else ()
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("row", threats(), ids=lambda row: row[0])
def test_each_threat_names_tests_that_exist(row: list[str]) -> None:
    assert len(row) == 3
    tests = TEST.findall(row[2])
    assert tests, "the row names no test"
    assert [f"{path}::{name}" for path, name in tests if name not in names_of_tests(path)] == []


def test_the_table_was_found() -> None:
    assert len(threats()) > 20
