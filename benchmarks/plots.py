"""The plots of a run, as PNG."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.rows import Row
from benchmarks.taken import Series, Taken

_MET, _MISSED, _BEFORE = "#2b7a4b", "#b5442e", "#9a9a9a"


def draw(
    rows: Sequence[Row], taken: Mapping[str, Taken], before: Mapping[str, Series], folder: Path
) -> list[tuple[str, Path]]:
    """Draw all of them; return the title and file of each."""
    drawn = [_wanted(rows, taken, before, folder / "wanted.png"), _search(taken, folder / "search.png")]
    drawn += [
        _curves(row, taken[row.name], folder / f"{row.name}.png") for row in rows if taken[row.name].curves
    ]
    return drawn


def _wanted(
    rows: Sequence[Row], taken: Mapping[str, Taken], before: Mapping[str, Series], file: Path
) -> tuple[str, Path]:
    """Draw each row's figure in parts of what is wanted of it; where more is wanted, upside down."""
    shown = [row for row in rows if row.wanted and row.wanted.limit]
    figure = Figure(figsize=(8, 0.35 * len(shown) + 1.2))
    axes = figure.subplots()
    for place, row in enumerate(shown):
        parts = _parts(row, taken[row.name].figure)
        colour = _MET if parts[1] <= 1 else _MISSED
        axes.plot([parts[0], parts[2]], [place, place], color=colour, linewidth=2, alpha=0.5)
        axes.plot(parts[1], place, "o", color=colour)
        if row.name in before:
            axes.plot(_parts(row, before[row.name])[1], place, "x", color=_BEFORE)
    axes.set_yticks(range(len(shown)), [row.name for row in shown])
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlabel("in parts of what is wanted, median and spread: left of the line is met; x: before")
    axes.invert_yaxis()
    return "Each row in parts of what is wanted", _saved(figure, axes, file)


def _parts(row: Row, series: Series) -> tuple[float, float, float]:
    """Return least, median and most in parts of the limit."""
    assert row.wanted is not None  # noqa: S101 # only such rows are drawn
    limit, at_least = row.wanted.limit, row.wanted.at_least
    parts = [limit / max(one, 1e-3) if at_least else max(one / limit, 1e-2) for one in series.values]
    middle = limit / series.median if at_least else max(series.median / limit, 1e-2)
    return min(parts), middle, max(parts)


def _search(taken: Mapping[str, Taken], file: Path) -> tuple[str, Path]:
    """Draw the CPU of a search, of everybody who makes one."""
    figure = Figure(figsize=(6, 3))
    axes = figure.subplots()
    bars = {series.what: series for series in _searchers(taken)}
    for place, (_, series) in enumerate(bars.items()):
        axes.barh(place, series.median, color=_MET if place == 0 else _BEFORE)
        axes.plot(series.values, [place] * len(series.values), "|", color="black")
    axes.set_yticks(range(len(bars)), list(bars))
    axes.set_xlabel("us of CPU a search: median, and each round")
    axes.invert_yaxis()
    return "CPU of a search", _saved(figure, axes, file)


def _searchers(taken: Mapping[str, Taken]) -> Iterator[Series]:
    yield taken["hand"].subject
    yield taken["everything"].subject
    for name in ("hand", "transcoder", "floor"):
        reference = taken[name].reference
        if reference is not None:
            yield reference


def _curves(row: Row, taken: Taken, file: Path) -> tuple[str, Path]:
    figure = Figure(figsize=(6, 3.2))
    axes = figure.subplots()
    for (name, curve), colour in zip((taken.curves or {}).items(), (_MET, _BEFORE), strict=False):
        mark = "o" if len(curve.points) < 10 else ""
        axes.plot(*zip(*curve.points, strict=True), color=colour, marker=mark, label=name)
        axes.set_xlabel(curve.x)
        axes.set_ylabel(curve.y)
    axes.set_ylim(bottom=0)
    axes.legend()
    return row.title, _saved(figure, axes, file)


def _saved(figure: Figure, axes: Axes, file: Path) -> Path:
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(file, dpi=110, metadata={"Software": None})
    return file
