"""Answers that are kept, as callers see them."""

import json

import grpc
import pytest

DIALECT = "open-platform"
ROOT = {"category_id": 0}


def _called(rpcs, *metadata: tuple[str, str], rpc: str = "GetCategory", fields=ROOT) -> str | None:
    """Call; return what the response's metadata says of the cache."""
    method = rpcs.method(rpc, DIALECT)
    _, call = method.with_call(rpcs.request(rpc, fields), timeout=20, metadata=metadata)
    return dict(call.initial_metadata()).get("nationalsite-cache")


def test_categories_are_kept_and_details_are_not(alone, sandbox) -> None:
    _, rpcs = alone("product", DIALECT)
    assert [_called(rpcs) for _ in range(3)] == ["miss", "hit", "hit"]
    assert _called(rpcs, ("cache-control", "no-cache")) == "miss"
    assert len(sandbox.calls()) == 2
    offer = rpcs.call("SearchByKeyword", DIALECT, {"keyword": "dress"})["offers"][0]["offer_id"]
    detail = {"offer_id": offer}
    assert [_called(rpcs, rpc="GetProductDetail", fields=detail) for _ in range(2)] == [None, None]
    assert len(sandbox.calls()) == 5


def test_an_old_answer_stands_in(alone, sandbox, details) -> None:
    settings = {"NATIONALSITE_CACHE_SECONDS": json.dumps({"GetCategory": 0.5})}
    _, rpcs = alone("product", DIALECT, settings)
    assert _called(rpcs) == "miss"
    sandbox.fault({"status": 503}, times=100)
    found = set()
    while "stale" not in found:
        found.add(_called(rpcs))
    assert found <= {"hit", "stale"}
    with pytest.raises(grpc.RpcError) as failure:  # noqa: PT012 # it comes to an end, sooner or later
        while True:
            assert _called(rpcs) in ("hit", "stale")
    assert details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_UPSTREAM_FAULT"
