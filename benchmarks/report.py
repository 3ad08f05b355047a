"""What is kept of a whole run: raw figures, plots, and a section of docs/benchmarks.md."""

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks import plots, recorded, table
from benchmarks.recorded import Run
from benchmarks.rows import Row
from benchmarks.taken import Series
from tools.local_stack import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
FOLDER = ROOT / "docs" / "benchmarks"
LATEST, BEFORE = FOLDER / "latest.json", FOLDER / "before.json"
BEGIN, END = "<!-- make bench writes from here -->", "<!-- to here -->"


def keep(rows: Sequence[Row], run: Run) -> None:
    """Keep a run of this checkout: it is the latest."""
    FOLDER.mkdir(exist_ok=True)
    recorded.write(run, LATEST)
    before = recorded.figures(BEFORE)
    drawn = plots.draw(rows, run.taken, before, FOLDER)
    section = "\n\n".join(
        [BEGIN, _about(run), _table(rows, run, before), *map(_picture, drawn), _parts(rows, run), END]
    )
    marked = re.escape(BEGIN) + ".*" + re.escape(END)
    PAGE.write_text(re.sub(marked, lambda _: section, PAGE.read_text(), flags=re.DOTALL))


def keep_before(run: Run) -> None:
    """Keep a run of another checkout: later runs of this one are shown beside it."""
    FOLDER.mkdir(exist_ok=True)
    recorded.write(run, BEFORE)


def _about(run: Run) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return (
        f"{run.date}: {run.machine}; {versions}. The run took {run.took_s:.0f} s; "
        f"the machine's load, others' work included, was {min(run.loads):.1f} to {max(run.loads):.1f}."
    )


def _table(rows: Sequence[Row], run: Run, before: dict[str, Series]) -> str:
    head = ("measure", "measured", "beside", "ratio or difference", "wanted", "", "before")
    lines = [head, ("---",) * len(head)]
    titles = {row.name: row.title for row in rows}
    for name, *cells, verdict in table.lines(rows, run.taken):
        earlier = table.told(before[name]) if name in before else ""
        shown = "**missed**" if verdict == table.MISSED else verdict
        lines.append((f"{titles[name]} (`{name}`)", *cells, shown, earlier))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _parts(rows: Sequence[Row], run: Run) -> str:
    """Return what else was seen."""
    lines = [
        f"- `{row.name}`: {'; '.join(_part(part) for part in run.taken[row.name].parts)}"
        for row in rows
        if run.taken[row.name].parts
    ]
    return "\n".join(["What else was seen:", "", *lines])


def _part(series: Series) -> str:
    return f"{series.what} {table.told(series)}"


def _picture(drawn: tuple[str, Path]) -> str:
    title, file = drawn
    return f"![{title}](benchmarks/{file.name})"
