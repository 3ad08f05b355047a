"""The plots of a run, as PNG files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.results import Result, Series
from benchmarks.rows import Row

_MET_COLOUR, _MISSED_COLOUR, _REFERENCE_COLOUR = "#2b7a4b", "#b5442e", "#9a9a9a"


def draw_plots(
    rows: Sequence[Row], results: Mapping[str, Result], baseline: Mapping[str, Series], directory: Path
) -> list[tuple[str, Path]]:
    """Draw all plots; return the title and the file of each."""
    images = [
        _draw_targets(rows, results, baseline, directory / "targets.png"),
        _draw_search(results, directory / "search.png"),
    ]
    images += [
        _draw_curves(row, results[row.name], directory / f"{row.name}.png")
        for row in rows
        if results[row.name].curves
    ]
    return images


def _draw_targets(
    rows: Sequence[Row], results: Mapping[str, Result], baseline: Mapping[str, Series], file: Path
) -> tuple[str, Path]:
    """Draw the figure of each row relative to its target; a minimum is drawn as its inverse."""
    drawn_rows = [row for row in rows if row.threshold and row.threshold.limit]
    figure = Figure(figsize=(8, 0.35 * len(drawn_rows) + 1.2))
    axes = figure.subplots()
    for y, row in enumerate(drawn_rows):
        low, median, high = _relative_to_target(row, results[row.name].figure)
        colour = _MET_COLOUR if median <= 1 else _MISSED_COLOUR
        axes.plot([low, high], [y, y], color=colour, linewidth=2, alpha=0.5)
        axes.plot(median, y, "o", color=colour)
        if row.name in baseline:
            axes.plot(_relative_to_target(row, baseline[row.name])[1], y, "x", color=_REFERENCE_COLOUR)
    axes.set_yticks(range(len(drawn_rows)), [row.name for row in drawn_rows])
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlabel("relative to the target, median and range; left of the line: met; x: baseline")
    axes.invert_yaxis()
    return "Each row relative to its target", _save(figure, axes, file)


def _relative_to_target(row: Row, series: Series) -> tuple[float, float, float]:
    """Return minimum, median and maximum relative to the target."""
    assert row.threshold is not None  # noqa: S101 # only rows with a target are drawn
    limit, is_minimum = row.threshold.limit, row.threshold.is_minimum
    values = [limit / max(value, 1e-3) if is_minimum else max(value / limit, 1e-2) for value in series.values]
    median = limit / series.median if is_minimum else max(series.median / limit, 1e-2)
    return min(values), median, max(values)


def _draw_search(results: Mapping[str, Result], file: Path) -> tuple[str, Path]:
    """Draw the CPU time of a search, of all subjects."""
    figure = Figure(figsize=(6, 3))
    axes = figure.subplots()
    bars = {series.name: series for series in _search_series(results)}
    for y, series in enumerate(bars.values()):
        axes.barh(y, series.median, color=_MET_COLOUR if y == 0 else _REFERENCE_COLOUR)
        axes.plot(series.values, [y] * len(series.values), "|", color="black")
    axes.set_yticks(range(len(bars)), list(bars))
    axes.set_xlabel("CPU time of a search in us: median, and each round")
    axes.invert_yaxis()
    return "CPU time of a search", _save(figure, axes, file)


def _search_series(results: Mapping[str, Result]) -> Iterator[Series]:
    yield results["handwritten"].subject
    yield results["all-features"].subject
    for name in ("handwritten", "transcoder", "minimal"):
        reference = results[name].reference
        if reference is not None:
            yield reference


def _draw_curves(row: Row, result: Result, file: Path) -> tuple[str, Path]:
    figure = Figure(figsize=(6, 3.2))
    axes = figure.subplots()
    curves = (result.curves or {}).items()
    for (name, curve), colour in zip(curves, (_MET_COLOUR, _REFERENCE_COLOUR), strict=False):
        marker = "o" if len(curve.points) < 10 else ""
        axes.plot(*zip(*curve.points, strict=True), color=colour, marker=marker, label=name)
        axes.set_xlabel(curve.x_label)
        axes.set_ylabel(curve.y_label)
    axes.set_ylim(bottom=0)
    axes.legend()
    return row.title, _save(figure, axes, file)


def _save(figure: Figure, axes: Axes, file: Path) -> Path:
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(file, dpi=110, metadata={"Software": None})
    return file
