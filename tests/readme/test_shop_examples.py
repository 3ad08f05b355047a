"""The examples `shop` do the same nine tasks in each language. With the client libraries they stay short."""

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MAX_LINES = {
    "go/shop/main.go": 151,
    "java/src/main/java/Shop.java": 144,
    "python/shop.py": 117,
    "ts/shop.ts": 87,
}
"""Lines that are not empty. Without the helpers of the libraries, the same tasks had 206 in Python, 223 in Go
and 304 in TypeScript with the same formatters, and 179 in Java, a quarter of them longer than 110."""


@pytest.mark.parametrize("path", MAX_LINES)
def test_lines_of_a_shop(path: str) -> None:
    lines = (EXAMPLES / path).read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= MAX_LINES[path]
