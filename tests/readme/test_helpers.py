"""The table of helpers in docs/calling.md has names that the client libraries have."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    "Python": "clients/python/src/**/*.py",
    "Go": "clients/go/*.go",
    "Java": "clients/java/client/src/main/**/*.java",
    "TypeScript": "clients/ts/src/*.ts",
}
DEFINITIONS = {
    "Python": r"(?:def|class) {name}\b",
    "Go": r"(?:func (?:\(.*\) )?|type ){name}\b",
    "Java": r"\b(?:public|record) .*\b{name}\b",
    "TypeScript": r"\b(?:(?:function\*?|class|interface) |readonly ){name}\b",
}
ROW = re.compile(r"^\| (?P<what>[^|]+) \| (?P<names>`.*`) \|$", re.MULTILINE)


def test_every_name_is_defined() -> None:
    page = (ROOT / "docs" / "calling.md").read_text(encoding="utf-8")
    _, table = page.split("| | Python | Go | Java | TypeScript |\n", 1)
    rows = [match["names"].split(" | ") for match in ROW.finditer(table.partition("\n\n")[0])]
    assert len(rows) > 5
    assert {len(row) for row in rows} == {len(SOURCES)}
    for language, cells in zip(SOURCES, zip(*rows, strict=True), strict=True):
        sources = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob(SOURCES[language]))
        names = [
            name for cell in cells for dotted in re.findall(r"`([\w.]+)`", cell) for name in dotted.split(".")
        ]
        assert [
            name for name in names if not re.search(DEFINITIONS[language].format(name=name), sources)
        ] == []
