"""What the benchmark makes of what it measured, and that each of its rows is explained."""

import asyncio
import json
import re

import pytest
from google.protobuf import json_format

from benchmarks import replies, table
from benchmarks.load_client import Load, WrongResponses, check_responses
from benchmarks.envoy import messages, build_transcoder_proto
from benchmarks.workers import load_generator
from benchmarks.rows import SCENARIOS, ROWS, Row, Threshold, select_rows
from benchmarks.results import Series, Result, alone, measure_interleaved, difference, ratio
from tools.local_stack import ROOT


def of(*values: float, what: str = "it", unit: str = "us") -> Series:
    return Series(what=what, unit=unit, values=values)


def test_a_ratio_is_formed_in_each_round() -> None:
    taken = ratio(of(10, 40, 90), of(10, 20, 30))
    assert taken.figure.values == (1, 2, 3)
    assert taken.figure.median == 2
    assert difference(of(5, 7), of(1, 2)).figure.values == (4, 5)


def test_subjects_take_turns() -> None:
    order: list[str] = []

    def made(name: str, calls: int) -> float:
        order.append(name)
        return calls

    taken = measure_interleaved(
        {"a": lambda calls: made("a", calls), "b": lambda calls: made("b", calls + 1)},
        7,
        unit="us",
        rounds=2,
    )
    assert order == ["a", "b", "a", "b"]
    assert taken["a"].values == (7, 7)
    assert taken["b"].values == (8, 8)


@pytest.mark.parametrize(
    ("wanted", "median", "verdict"),
    [
        (Threshold(limit=1.33), 1.33, table.MET),
        (Threshold(limit=1.33), 1.34, table.MISSED),
        (Threshold(limit=0.5, at_least=True), 0.5, table.MET),
        (Threshold(limit=0.5, at_least=True), 0.4, table.MISSED),
        (None, 9.0, ""),
    ],
)
def test_a_row_is_judged_by_its_median(wanted: Threshold | None, median: float, verdict: str) -> None:
    row = Row(name="row", measures="measure", title="a row", wanted=wanted)
    taken: dict[str, Result] = {"row": alone(of(0.1, median, 99, unit="x"))}
    ((*_, found),) = table.lines([row], taken)
    assert found == verdict


def test_what_was_measured_once_has_no_spread() -> None:
    assert table.format_series(of(612, 598, 655)) == "612 us (598..655)"
    assert table.format_series(of(0.25, unit="s")) == "0.25 s"


def test_rows_are_chosen_by_their_names_or_their_measures() -> None:
    assert select_rows([]) == ROWS
    assert [row.name for row in select_rows(["cached"])] == ["cached"]
    assert {row.name for row in select_rows(["search"])} == {"hand", "transcoder", "floor", "everything"}
    with pytest.raises(KeyError, match="nothing"):
        select_rows(["cached", "nothing"])


def test_every_row_is_measured_and_explained() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text().partition("## Figures")[0]
    explained = re.findall(r"`(-?[a-z0-9*-]+)`", page)
    endings = [name for name in explained if name.startswith("-")]
    for row in ROWS:
        assert row.measures in SCENARIOS
        first = row.name.partition("-")[0]
        assert (
            row.name in explained
            or f"{first}-*" in explained
            or any(
                row.name.endswith(ending) and any(one.startswith(first) for one in explained)
                for ending in endings
            )
        ), row.name


@pytest.mark.parametrize("offers", [10, 50])
def test_envoy_knows_every_member_of_a_page(offers: int) -> None:
    _, reply = messages(build_transcoder_proto(replies.sample_page(), "/openapi"))
    page = json.loads(replies.page(offers))
    found = json_format.ParseDict(page, reply())  # refuses a member that there is not
    assert len({offer.offerId for offer in found.result.result.data}) == offers


def test_no_figure_of_wrong_answers() -> None:
    fine = Load(wall_s=1, latencies_ms=[1], sizes={"20": 1}, failures={}, max_in_flight=1)
    assert check_responses(fine, 20) is fine
    with pytest.raises(WrongResponses):
        check_responses(fine, 21)
    failed = Load(wall_s=1, latencies_ms=[1], sizes={"20": 1}, failures={"UNAVAILABLE": 1}, max_in_flight=2)
    with pytest.raises(WrongResponses):
        check_responses(failed, 20)


async def test_paced_calls_are_counted_and_bounded() -> None:
    going, most = 0, 0

    async def call() -> int:
        nonlocal going, most
        going += 1
        most = max(most, going)
        await asyncio.sleep(0.01)
        going -= 1
        if most == 3 and going == 0:
            raise load_generator.CallFailed("UNAVAILABLE")
        return 5

    told = await load_generator.constant_rate(call, per_s=10_000, calls=30, most=3)
    assert most == told["max_in_flight"] == 3
    assert told["failures"]["UNAVAILABLE"] >= 1
    assert told["sizes"][5] + told["failures"]["UNAVAILABLE"] == 30
