"""The table of results, for a terminal and for Markdown."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.results import Result, Series
from benchmarks.rows import Row

HEADER = ("row", "measured", "reference", "figure", "target", "")
MET, MISSED = "met", "MISSED"
_DECIMALS = {
    "x": 2,
    "ms": 2,
    "s": 2,
    "us": 0,
    "KiB": 1,
    "MiB": 0,
    "/s": 0,
    "% of a core": 1,
    "per call": 1,
    "": 0,
}


def build_lines(rows: Iterable[Row], results: Mapping[str, Result]) -> list[tuple[str, ...]]:
    """Return a line for each row with a result, with the columns of HEADER."""
    return [_build_line(row, results[row.name]) for row in rows if row.name in results]


def build_counts(rows: Iterable[Row], results: Mapping[str, Result]) -> list[tuple[str, ...]]:
    """Return a table of the scenario `call-counts`: a line for each count, a column for each row."""
    counted = [row.name for row in rows if row.scenario == "call-counts" and row.name in results]
    columns = [[results[name].subject, *results[name].details] for name in counted]
    lines = zip(*columns, strict=True)
    return [
        ("per call", *counted),
        *((line[0].name, *(f"{series.median:.1f}" for series in line)) for line in lines),
    ]


def to_text(table: Sequence[tuple[str, ...]]) -> str:
    """Return a table for a terminal."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )


def to_markdown(table: Sequence[tuple[str, ...]]) -> str:
    """Return a table for Markdown."""
    header, *lines = table
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, ("---",) * len(header), *lines))


def list_details(rows: Iterable[Row], results: Mapping[str, Result]) -> list[tuple[str, str]]:
    """Return name and details of each row that has details."""
    return [
        (
            row.name,
            "; ".join(f"{series.name} {format_series(series)}" for series in results[row.name].details),
        )
        for row in rows
        if row.name in results and results[row.name].details
    ]


def format_series(series: Series) -> str:
    """Return median and range, such as 612 us (598..655); of a single value no range."""
    decimals = _DECIMALS[series.unit]
    unit = f" {series.unit}" if series.unit not in ("", "x") else ""
    if len(series.values) == 1:
        return f"{series.median:.{decimals}f}{unit}"
    low, high = min(series.values), max(series.values)
    return f"{series.median:.{decimals}f}{unit} ({low:.{decimals}f}..{high:.{decimals}f})"


def _build_line(row: Row, result: Result) -> tuple[str, ...]:
    reference = result.reference
    return (
        row.name,
        f"{result.subject.name} {format_series(result.subject)}",
        f"{reference.name} {format_series(reference)}" if reference else "-",
        format_series(result.figure) if reference else "",
        str(row.threshold) if row.threshold else "-",
        _verdict(row, result),
    )


def _verdict(row: Row, result: Result) -> str:
    if row.threshold is None:
        return ""
    return MET if row.threshold.is_met(result.figure.median) else MISSED
