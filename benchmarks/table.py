"""The table: a line for each row, for people and in Markdown."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.rows import Row
from benchmarks.taken import Series, Taken

HEAD = ("row", "measured", "compared with", "figure", "wanted", "")
MET, MISSED = "met", "MISSED"
_DIGITS = {"x": 2, "ms": 2, "s": 2, "us": 0, "MiB": 0, "/s": 0, "": 0}


def lines(rows: Iterable[Row], taken: Mapping[str, Taken]) -> list[tuple[str, ...]]:
    """Return what stands in the columns of HEAD."""
    return [_line(row, taken[row.name]) for row in rows if row.name in taken]


def text(found: Sequence[tuple[str, ...]]) -> str:
    """Return a table for a terminal."""
    table = [HEAD, *found]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )


def told(series: Series) -> str:
    """Return median and spread: 612 us (598..655); without a spread what was measured once."""
    digits = _DIGITS[series.unit]
    unit = f" {series.unit}" if series.unit not in ("", "x") else ""
    if len(series.values) == 1:
        return f"{series.median:.{digits}f}{unit}"
    low, high = min(series.values), max(series.values)
    return f"{series.median:.{digits}f}{unit} ({low:.{digits}f}..{high:.{digits}f})"


def _line(row: Row, taken: Taken) -> tuple[str, ...]:
    wanted = row.wanted
    return (
        row.name,
        f"{taken.subject.what} {told(taken.subject)}",
        f"{taken.reference.what} {told(taken.reference)}" if taken.reference else "-",
        told(taken.figure) if taken.reference else "",
        str(wanted) if wanted else "-",
        _verdict(row, taken),
    )


def _verdict(row: Row, taken: Taken) -> str:
    if row.wanted is None:
        return ""
    return MET if row.wanted.met(taken.figure.median) else MISSED
