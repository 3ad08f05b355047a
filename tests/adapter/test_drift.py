"""Unknown members in a sample of the responses: the metric and the log line."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
import structlog
from nationalsite.product import v1 as product_v1
from prometheus_client import REGISTRY
from structlog.typing import EventDict

from services.adapter.codec import Dialect, Operation
from services.adapter.drift import MAX_LOGGED_PATHS, MAX_SEARCHED_VALUES, DriftMonitor
from tests.support.compiled_operations import compile_once

SECRET = "Hanako, Tokyo"


@pytest.fixture(params=list(Dialect))
def search(request: pytest.FixtureRequest) -> Operation:
    dialect: Dialect = request.param
    return compile_once(product_v1.PRODUCT_SERVICE, dialect)["SearchByKeyword"]


def body(operation: Operation, *unknown: str) -> bytes:
    """Return a page whose two offers have these members besides the documented ones."""
    offer = {"offerId": 1, "subject": "曲奇", **dict.fromkeys(unknown, SECRET)}
    if operation.dialect is Dialect.NATIONAL_SITE:
        page: dict[str, Any] = {"success": True, "data": {"searchOfferModelList": [offer, offer]}}
    else:
        page = {"result": {"success": True, "result": {"data": [offer, offer]}}}
    request = operation.request()
    assert not operation.decode(operation.parse(json.dumps(page).encode(), request), request).unreadable
    return json.dumps(page).encode()


def offer_path(operation: Operation) -> str:
    national = operation.dialect is Dialect.NATIONAL_SITE
    return "data.searchOfferModelList." if national else "result.result.data."


def metric(name: str, operation: Operation) -> float:
    labels = {"operation": operation.api_id, "dialect": str(operation.dialect)}
    return REGISTRY.get_sample_value(f"nationalsite_{name}_total", labels) or 0


def observe(monitor: DriftMonitor, operation: Operation, bodies: Iterable[bytes]) -> tuple[float, float, Any]:
    """Return by how much the two metrics grew, and the log lines."""
    names = ("responses_compared", "members_unknown")
    before = [metric(name, operation) for name in names]
    with structlog.testing.capture_logs() as logs:
        for each in bodies:
            monitor.observe(operation, each)
    compared, unknown = (metric(name, operation) - old for name, old in zip(names, before, strict=True))
    return compared, unknown, logs


def paths(logs: list[EventDict]) -> list[list[str]]:
    return [line["paths"] for line in logs]


def test_unknown_members_are_counted_and_their_paths_are_logged_once(search: Operation) -> None:
    monitor = DriftMonitor(sample_interval=1)
    compared, unknown, logs = observe(monitor, search, [body(search, "giftBox", "p4pTag")] * 3)
    assert (compared, unknown) == (3, 6)
    path = offer_path(search)
    assert logs == [
        {
            "event": "unknown_members",
            "log_level": "debug",
            "rpc": "SearchByKeyword",
            "operation": search.api_id,
            "dialect": search.dialect,
            "paths": [f"{path}giftBox", f"{path}p4pTag"],
        }
    ]
    _, _, logs = observe(monitor, search, [body(search, "giftBox", "later")])
    assert paths(logs) == [[f"{path}later"]]


def test_only_the_sample_is_compared(search: Operation) -> None:
    """The first response, and one in three: so the two metrics together say how common a member is."""
    bodies = [body(search, f"new_{letter}") for letter in "abcdefg"]
    compared, unknown, logs = observe(DriftMonitor(sample_interval=3), search, bodies)
    assert (compared, unknown) == (3, 3)
    path = offer_path(search)
    assert paths(logs) == [[f"{path}new_a"], [f"{path}new_d"], [f"{path}new_g"]]


def test_instead_of_a_large_response_the_next_one_is_compared(search: Operation) -> None:
    large = json.dumps({**json.loads(body(search)), "values": [1] * MAX_SEARCHED_VALUES}).encode()
    monitor = DriftMonitor(sample_interval=2)
    assert [observe(monitor, search, [each])[0] for each in (large, body(search), large)] == [0, 1, 0]
    assert observe(monitor, search, [body(search)] * 2)[0] == 1


def test_nothing_is_compared_if_it_is_switched_off(search: Operation) -> None:
    assert observe(DriftMonitor(sample_interval=0), search, [body(search, "giftBox")]) == (0, 0, [])


def test_a_documented_response_has_none(search: Operation) -> None:
    assert observe(DriftMonitor(sample_interval=1), search, [body(search)]) == (1, 0, [])


def test_the_number_of_logged_paths_is_limited(search: Operation) -> None:
    names = [f"new_{first}{second}" for first in "abcdefghijklm" for second in "abcdefghij"]
    bodies = [body(search, *names[:90]), body(search, *names[90:]), body(search, "last")]
    _, unknown, logs = observe(DriftMonitor(sample_interval=1), search, bodies)
    assert unknown == len(names) + 1
    assert [len(each) for each in paths(logs)] == [90, MAX_LOGGED_PATHS - 90]


def test_neither_values_nor_names_that_may_be_values_are_logged(search: Operation) -> None:
    names = ("花子", "hanako@example.com", "2396952137381498520", "order123456", "a b", "x" * 65, "")
    _, unknown, logs = observe(DriftMonitor(sample_interval=1), search, [body(search, *names)])
    assert unknown == 1
    assert paths(logs) == [[f"{offer_path(search)}*"]]
