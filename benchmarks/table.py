"""The table of results, for a terminal and for Markdown."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.results import Result, Series
from benchmarks.rows import Row

HEADER = ("row", "measured", "reference", "figure", "target", "")
MET, MISSED = "met", "MISSED"
_DECIMALS = {"x": 2, "ms": 2, "s": 2, "us": 0, "MiB": 0, "/s": 0, "% of a core": 1, "": 0}


def build_lines(rows: Iterable[Row], results: Mapping[str, Result]) -> list[tuple[str, ...]]:
    """Return a line for each row with a result, with the columns of HEADER."""
    return [_build_line(row, results[row.name]) for row in rows if row.name in results]


def to_text(lines: Sequence[tuple[str, ...]]) -> str:
    """Return a table for a terminal."""
    table = [HEADER, *lines]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADER))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )


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
