"""How results are computed, judged and shown; every row is explained in docs/benchmarks.md."""

import asyncio
import json
import re

import pytest
from google.protobuf import json_format

from benchmarks import responses, strace, table
from benchmarks.envoy import build_file, message_classes
from benchmarks.load_client import LoadResult, UnexpectedResponses, check_responses
from benchmarks.results import Result, Series, absolute, difference, measure_cpu_costs, ratio
from benchmarks.rows import ROWS, SCENARIOS, Row, Threshold, select_rows
from benchmarks.workers import load_generator
from tools.local_stack import ROOT


def series(*values: float, name: str = "series", unit: str = "us") -> Series:
    return Series(name=name, unit=unit, values=values)


def test_a_ratio_is_computed_in_each_round() -> None:
    result = ratio(series(10, 40, 90), series(10, 20, 30))
    assert result.figure.values == (1, 2, 3)
    assert result.figure.median == 2
    assert difference(series(5, 7), series(1, 2)).figure.values == (4, 5)


def test_subjects_are_measured_in_turn() -> None:
    order: list[str] = []

    def measure(name: str, calls: int) -> float:
        order.append(name)
        return calls

    costs = measure_cpu_costs(
        {"a": lambda calls: measure("a", calls), "b": lambda calls: measure("b", calls + 1)}, 7, rounds=2
    )
    assert order == ["a", "b", "a", "b"]
    assert costs["a"].values == (7, 7)
    assert costs["b"].values == (8, 8)


@pytest.mark.parametrize(
    ("threshold", "median", "verdict"),
    [
        (Threshold(limit=1.33), 1.33, table.MET),
        (Threshold(limit=1.33), 1.34, table.MISSED),
        (Threshold(limit=0.5, is_minimum=True), 0.5, table.MET),
        (Threshold(limit=0.5, is_minimum=True), 0.4, table.MISSED),
        (None, 9.0, ""),
    ],
)
def test_a_row_is_judged_by_its_median(threshold: Threshold | None, median: float, verdict: str) -> None:
    row = Row(name="row", scenario="scenario", title="a row", threshold=threshold)
    results: dict[str, Result] = {"row": absolute(series(0.1, median, 99, unit="x"))}
    ((*_, shown),) = table.build_lines([row], results)
    assert shown == verdict


def test_a_single_value_has_no_range() -> None:
    assert table.format_series(series(612, 598, 655)) == "612 us (598..655)"
    assert table.format_series(series(0.25, unit="s")) == "0.25 s"


def test_counts_are_shown_in_a_column_for_each_row() -> None:
    rows = [Row(name=name, scenario="call-counts", title=name) for name in ("search", "cached")]
    results = {
        row.name: absolute(series(value, name="turns"), details=[series(value / 4, name="timers")])
        for row, value in zip(rows, (10.26, 4), strict=True)
    }
    counts = table.build_counts(rows, results)
    assert counts == [("per call", "search", "cached"), ("turns", "10.3", "4.0"), ("timers", "2.6", "1.0")]
    assert table.to_markdown(counts).splitlines()[1:3] == ["| --- | --- | --- |", "| turns | 10.3 | 4.0 |"]


def test_system_calls_are_counted_by_thread_and_name() -> None:
    lines = """\
71 epoll_wait(4, [], 1024, 0) = 0
72 futex(0x7f, FUTEX_WAIT_PRIVATE, 2, NULL <unfinished ...>
71 epoll_wait(4,  <unfinished ...>
72 <... futex resumed>)              = 0
71 <... epoll_wait resumed>[], 1024, 5) = 0
71 +++ exited with 0 +++
"""
    assert strace.parse(lines) == {(71, "epoll_wait"): 2, (72, "futex"): 1}


def test_rows_are_selected_by_their_names_or_their_scenarios() -> None:
    assert select_rows([]) == ROWS
    assert [row.name for row in select_rows(["cached"])] == ["cached", "cached-complete"]
    rows = {row.name for row in select_rows(["search"])}
    assert rows == {"handwritten", "transcoder", "minimal", "decoding", "all-features"}
    with pytest.raises(KeyError, match="nothing"):
        select_rows(["cached", "nothing"])


def test_every_row_is_measured_and_explained() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text().partition("## Figures")[0]
    explained = re.findall(r"`(-?[a-z0-9*-]+)`", page)
    suffixes = [name for name in explained if name.startswith("-")]
    for row in ROWS:
        assert row.scenario in SCENARIOS
        prefix = row.name.partition("-")[0]
        assert (
            row.name in explained
            or any(name.endswith("-*") and row.name.startswith(name[:-1]) for name in explained)
            or any(
                row.name.endswith(suffix) and any(name.startswith(prefix) for name in explained)
                for suffix in suffixes
            )
        ), row.name


@pytest.mark.parametrize("offers", [10, 50])
def test_envoy_knows_every_member_of_a_page(offers: int) -> None:
    _, response_class = message_classes(build_file(responses.load_sample_page(), "/openapi"))
    page = json.loads(responses.build_search_page(offers))
    response = json_format.ParseDict(page, response_class())  # rejects unknown members
    data = response.result.result.data
    assert len({offer.offerId for offer in data}) == offers


def test_unexpected_responses_stop_the_measurement() -> None:
    expected = LoadResult(wall_s=1, latencies_ms=[1], sizes={"20": 1}, failures={}, max_in_flight=1)
    assert check_responses(expected, 20) is expected
    with pytest.raises(UnexpectedResponses):
        check_responses(expected, 21)
    failed = LoadResult(
        wall_s=1, latencies_ms=[1], sizes={"20": 1}, failures={"UNAVAILABLE": 1}, max_in_flight=2
    )
    with pytest.raises(UnexpectedResponses):
        check_responses(failed, 20)


async def test_calls_at_a_constant_rate_are_counted_and_bounded() -> None:
    in_flight, max_in_flight = 0, 0

    async def call() -> int:
        nonlocal in_flight, max_in_flight
        in_flight += 1
        max_in_flight = max(max_in_flight, in_flight)
        await asyncio.sleep(0.01)
        in_flight -= 1
        if max_in_flight == 3 and in_flight == 0:
            raise load_generator.CallFailed("UNAVAILABLE")
        return 5

    result = LoadResult(
        **await load_generator.constant_rate(call, calls_per_s=10_000, calls=30, max_in_flight=3)
    )
    assert max_in_flight == result.max_in_flight == 3
    assert result.failures["UNAVAILABLE"] >= 1
    assert result.sizes[5] + result.failures["UNAVAILABLE"] == 30  # type: ignore[index] # keys are text only in JSON
