"""`make reference`: writes the pages of docs/reference; with --check it names the stale ones instead."""

import sys
from pathlib import Path

from tools.reference.pages import build_pages
from tools.usage import build_parser

REFERENCE_DIR = Path(__file__).resolve().parents[2] / "docs" / "reference"


def main(arguments: list[str]) -> int:
    """Write or check the pages; return the exit code."""
    parser = build_parser(
        "python -m tools.reference", __doc__, "make reference", "python -m tools.reference --check"
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 if a page is stale")
    options = parser.parse_args(arguments)
    built = build_pages()
    committed = {path.name: path.read_text(encoding="utf-8") for path in REFERENCE_DIR.glob("*.md")}
    stale = sorted(name for name in built.keys() | committed.keys() if built.get(name) != committed.get(name))
    if options.check:
        for name in stale:
            print(f"docs/reference/{name} is stale: run make reference and commit")
        return 1 if stale else 0
    REFERENCE_DIR.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in built:
            (REFERENCE_DIR / name).write_text(built[name], encoding="utf-8")
        else:
            (REFERENCE_DIR / name).unlink()
    print(f"docs/reference: {len(built)} pages, {len(stale)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
