"""Cached responses, as callers see them."""

import json
from typing import Any

import grpc
import pytest

from tests.e2e.conftest import RpcClient, StartDedicated
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details
from tests.support.worst_requests import UNKNOWN_FIELD

DIALECT = "open-platform"
ROOT = {"category_id": 0}


def _cache_status(
    client: RpcClient, *metadata: tuple[str, str], rpc: str = "GetCategory", fields=ROOT
) -> Any:
    """Call; return the value of the response's nationalsite-cache metadata."""
    method = client.method(rpc, DIALECT)
    _, call = method.with_call(client.request(rpc, fields), timeout=20, metadata=metadata)
    return dict(call.trailing_metadata()).get("nationalsite-cache")


@pytest.mark.slow
def test_categories_are_cached_and_product_details_are_not(
    start_dedicated: StartDedicated, sandbox: SandboxClient
) -> None:
    _, client = start_dedicated("product", DIALECT)
    assert [_cache_status(client) for _ in range(3)] == ["miss", "hit", "hit"]
    assert _cache_status(client, ("cache-control", "no-cache")) == "miss"
    assert len(sandbox.calls()) == 2
    offer = client.call("SearchByKeyword", DIALECT, {"keyword": "dress"})["offers"][0]["offer_id"]
    detail = {"offer_id": offer}
    assert [_cache_status(client, rpc="GetProductDetail", fields=detail) for _ in range(2)] == [None, None]
    assert len(sandbox.calls()) == 5


@pytest.mark.slow
def test_a_stale_response_is_returned_while_1688_fails(
    start_dedicated: StartDedicated, sandbox: SandboxClient
) -> None:
    settings = {"NATIONALSITE_CACHE_SECONDS": json.dumps({"GetCategory": 0.5})}
    _, client = start_dedicated("product", DIALECT, settings)
    assert _cache_status(client) == "miss"
    sandbox.inject_fault({"status": 503}, times=100)
    statuses = set()
    while "stale" not in statuses:
        statuses.add(_cache_status(client))
    assert statuses <= {"hit", "stale"}
    with pytest.raises(grpc.RpcError) as failure:  # noqa: PT012 # the stale response expires at an unknown call
        while True:
            assert _cache_status(client) in ("hit", "stale")
    assert parse_status_details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_UPSTREAM_FAULT"


@pytest.mark.slow
def test_equal_pages_share_an_entry(start_dedicated: StartDedicated, sandbox: SandboxClient) -> None:
    """A page is the same page however its caller chose its size and its number."""
    settings = {"NATIONALSITE_CACHE_SECONDS": json.dumps({"SearchByKeyword": 60})}
    _, client = start_dedicated("product", DIALECT, settings)
    request = {"keyword": "dress"}
    first = client.call("SearchByKeyword", DIALECT, request)
    token = first["next_page_token"]
    first_page: tuple[dict[str, Any], ...] = ({"page": 1}, {"page_size": 20}, {"page": 1, "page_size": 20})
    second_page: tuple[dict[str, Any], ...] = (
        {"page_token": token},
        {"page": 2},
        {"page_token": token, "page_size": 20},
    )
    for fields in first_page:
        assert client.call("SearchByKeyword", DIALECT, request | fields) == first
    pages = [client.call("SearchByKeyword", DIALECT, request | fields) for fields in second_page]
    assert pages == [pages[0]] * 3
    assert pages[0] != first
    for page_size in (50, 51, 1000):
        client.call("SearchByKeyword", DIALECT, request | {"page_size": page_size})
    assert len(sandbox.calls()) == 3


@pytest.mark.slow
def test_unknown_fields_make_no_further_entries(
    start_dedicated: StartDedicated, sandbox: SandboxClient
) -> None:
    _, client = start_dedicated("product", DIALECT)
    assert _cache_status(client) == "miss"
    request = client.request("GetCategory", ROOT)
    request.MergeFromString(UNKNOWN_FIELD)
    _, call = client.method("GetCategory", DIALECT).with_call(request, timeout=20)
    assert dict(call.trailing_metadata())["nationalsite-cache"] == "hit"
    assert len(sandbox.calls()) == 1
