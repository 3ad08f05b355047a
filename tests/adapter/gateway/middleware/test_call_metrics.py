"""Metrics of a call, and the values on its log line."""

import asyncio
from contextlib import suppress

import pytest
from prometheus_client import REGISTRY

from services.adapter.gateway.call import UpstreamCall
from services.adapter.gateway.middleware.call_metrics import CallMetricsMiddleware
from services.errors import ConnectionLost, NationalsiteError, UpstreamGateway, UpstreamRate
from services.log_fields import clear_log_fields, get_log_fields

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.fixture
def api_id(request):
    """Another operation for each test, so that its counters start at zero."""
    return f"com.example:{request.node.name}-1"


@pytest.fixture
def counted(api_id):
    """counted() returns the number of calls by outcome, for the operation of this test."""
    return lambda: {
        sample.labels["outcome"]: sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "nationalsite_upstream_calls_total" and sample.labels["operation"] == api_id
    }


@pytest.fixture
def bound():
    """bound() returns the values on the log line of this test."""
    clear_log_fields()
    yield get_log_fields
    clear_log_fields()


def timed(api_id):
    name = "nationalsite_upstream_call_duration_seconds"
    return tuple(
        REGISTRY.get_sample_value(f"{name}_{part}", {"operation": api_id}) for part in ("count", "sum")
    )


def _call(api_id):
    return UpstreamCall(api_id=api_id, form={}, files={}, anonymous=True, idempotent=False, deadline=0)


async def hang_up(_received, connection):
    connection.hang_up()


async def silent(_received, connection):
    await connection.wait_closed()


async def test_a_successful_call(make_gateway, call, api_id, counted, bound):
    await call(make_gateway(), api_id=api_id)

    assert counted() == {"OK": 1}
    count, seconds = timed(api_id)
    assert count == 1
    assert 0 < seconds < 5
    assert bound().keys() == {"upstream_ms"}
    assert bound()["upstream_ms"] == pytest.approx(seconds * 1000, abs=0.1)


async def test_a_rejected_call(peer, make_gateway, call, response, api_id, counted, bound):
    peer.on("param2", response(status=400, body={"error_code": "gw.QosAppFrequencyLimit"}))

    with pytest.raises(UpstreamRate):
        await call(make_gateway(), api_id=api_id)

    assert counted() == {"UPSTREAM_RATE": 1}
    assert bound()["upstream_code"] == "gw.QosAppFrequencyLimit"


async def test_outcomes_add_up(peer, make_gateway, call, response, api_id, counted, bound):
    gateway = make_gateway()
    peer.on("param2", response(), hang_up, response(status=500, body=b""), response(body=b"<"), response())
    for _ in range(5):
        with suppress(NationalsiteError):
            await call(gateway, api_id=api_id)

    assert counted() == {
        "OK": 2,
        "UPSTREAM_UNAVAILABLE": 1,
        "UPSTREAM_FAULT": 1,
        "UPSTREAM_UNREADABLE": 1,
    }
    assert timed(api_id)[0] == 5


async def test_a_lost_call_has_no_code(peer, make_gateway, call, api_id, bound):
    peer.on("param2", hang_up)

    with pytest.raises(ConnectionLost):
        await call(make_gateway(), api_id=api_id)

    assert bound().keys() == {"upstream_ms"}


async def test_a_deadline(peer, make_gateway, call, api_id, counted, bound):
    peer.on("param2", silent)
    with pytest.raises(NationalsiteError):
        await call(make_gateway(), api_id=api_id, timeout_s=0.05)

    assert counted() == {"DEADLINE": 1}


async def test_a_cancelled_call(peer, make_gateway, call, api_id, counted, wait_until):
    peer.on("param2", silent)
    in_flight_call = asyncio.create_task(call(make_gateway(), api_id=api_id))
    await wait_until(lambda: bool(peer.received))
    in_flight_call.cancel()
    await asyncio.wait([in_flight_call])

    assert counted() == {"CANCELLED": 1}


async def test_a_retried_call_counts_once(
    peer, make_refreshing_gateway, call, response, api_id, counted, bound
):
    peer.on("getToken", response(body={"access_token": "one"}))
    peer.on("param2", response(status=401, body={"error_code": "401"}), response())

    await call(make_refreshing_gateway(), api_id=api_id)

    assert counted() == {"OK": 1}
    assert timed(api_id)[0] == 1


async def test_an_internal_fault_is_counted_as_such(api_id, counted, bound):
    async def faulty(_call):
        return 1 // 0

    with pytest.raises(ZeroDivisionError):
        await CallMetricsMiddleware()(_call(api_id), faulty)

    assert counted() == {"INTERNAL_FAULT": 1}


async def test_the_code_of_the_error_is_bound(api_id, bound):
    async def rejected(_call):
        raise UpstreamGateway("x", code="400")

    with pytest.raises(UpstreamGateway):
        await CallMetricsMiddleware()(_call(api_id), rejected)

    assert bound()["upstream_code"] == "400"
