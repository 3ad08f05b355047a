"""The needs of 10, 100 and 1,000 orders a minute in docs/operations.md follow from the figures there."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
CONNECTIONS = 11
"""Of a replica with a store: a pool of 10, and one that listens."""


def rows(heading: str) -> list[list[str]]:
    """Return the cells below the header of a table, which begins with this heading."""
    _, _, rest = PAGE.partition(f"\n| {heading} |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


COLUMNS = {cells[0]: cells[1:] for cells in rows("orders a minute")}
ORDER = [
    (float(re.findall(r"^[\d.]+", what)[0]), float(calls), float(cpu.removesuffix(" ms")), service)
    for what, calls, cpu, service in rows("per order")
]


@pytest.mark.parametrize(("column", "per_minute"), [(0, 10), (1, 100), (2, 1000)])
def test_the_needs_of_orders(column: int, per_minute: int) -> None:
    per_second = per_minute / 60
    calls = sum(calls for _, calls, _, _ in ORDER)
    browsing = sum(calls for _, calls, _, service in ORDER if service == "product")
    expected = {
        "calls of 1688 per second": f"{calls * per_second:,.0f}",
        "of these without searches and details": f"{(calls - browsing) * per_second:,.0f}",
        "calls of 1688 per day, in millions": f"{calls * per_minute * 1440 / 1e6:.1f}",
    }
    for service in ("product", "order sync"):
        busy_ms = sum(number * cpu for number, _, cpu, name in ORDER if name == service)
        expected[f"cores of {service}"] = f"{busy_ms * per_second / 1000:.2f}"
    assert {name: COLUMNS[name][column] for name in expected} == expected
    largest = {
        service: int(COLUMNS[f"replicas of {service}, minimum / maximum"][column].partition(" / ")[2])
        for service in ("product", "order sync", "account")
    }
    connections = sum(largest[name] + 1 for name in ("order sync", "account")) * CONNECTIONS
    assert COLUMNS["PostgreSQL connections, at the maximum and during a rollout"][column] == str(connections)
    for service in ("product", "order sync"):
        assert largest[service] * 0.5 >= 2 * float(expected[f"cores of {service}"])
