"""What is printed and kept of a run: a table, a page with plots, and the raw figures."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.plots import plot, ratios
from benchmarks.result import Result

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "benchmarks.md"
FOLDER = DOCS / "benchmarks"
BEGIN, END = "<!-- make bench writes from here -->", "<!-- to here -->"


def table(results: Sequence[Result]) -> str:
    """Return the results as a table."""
    lines = ["| measure | figures: median (least..most) | found | wanted | |", "|---|---|---|---|---|"]
    for each in results:
        cells = (each.title, _figures(each), _found(each), _wanted(each), _verdict(each))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def keep(results: Sequence[Result], about: str) -> None:
    """Write the page's section, the plots and the raw figures anew."""
    FOLDER.mkdir(exist_ok=True)
    raw = {"about": about, "results": [each.as_json() for each in results]}
    (FOLDER / "latest.json").write_text(json.dumps(raw, indent=1, ensure_ascii=False) + "\n")
    plots = [f"![{each.title}](benchmarks/{plot(each, FOLDER).name})" for each in results if each.points]
    plots.insert(0, f"![Found against wanted](benchmarks/{ratios(results, FOLDER).name})")
    section = "\n\n".join([BEGIN, about, table(results), *plots, END])
    page = PAGE.read_text()
    pattern = re.escape(BEGIN) + ".*" + re.escape(END)
    PAGE.write_text(re.sub(pattern, lambda _: section, page, flags=re.DOTALL))


def _figures(result: Result) -> str:
    return "; ".join(f"{name} {figure}" for name, figure in result.figures.items())


def _found(result: Result) -> str:
    return "" if result.found is None else f"{result.found:.2f} {result.unit}"


def _wanted(result: Result) -> str:
    if result.wanted is None:
        return ""
    return f"{'at least' if result.at_least else 'at most'} {result.wanted:.3g}"


def _verdict(result: Result) -> str:
    return {True: "yes", False: "**missed**", None: ""}[result.holds]
