"""Envoy passes on deadlines, cancellations, retry advice and large requests."""

import random
import time
from typing import Any

import grpc
import pytest
from nationalsite.account.v1 import AccountServiceStub
from nationalsite.product import v1 as product
from nationalsite.product.v1 import ProductServiceStub

from tests.mesh.environment import CALLERS
from tests.mesh.requests import REGISTRATIONS, SEARCH, SEARCHES, TIMEOUT_S, received_calls, registration
from tests.support.status_details import parse_status_details

pytestmark = pytest.mark.mesh

LARGE = 5 * 1024 * 1024


@pytest.fixture
def services(mesh):
    sandbox = mesh.start_sandbox()
    for service in ("product", "account"):
        mesh.start_fleet(service, sandbox, 1)
    envoy = mesh.start_envoy()
    products = ProductServiceStub(mesh.channel(CALLERS["product"]))
    accounts = AccountServiceStub(mesh.channel(CALLERS["account"]))
    return sandbox, envoy, products, accounts


def test_deadlines_cancellations_and_retry_advice_pass(services, report):
    sandbox, envoy, products, accounts = services

    def idle() -> bool:
        return sandbox.state()["in_flight"] == 0

    # The service receives the deadline: it gives up a silent attempt after half of it, and retries.
    sandbox.inject_fault({"hang": True})
    started = time.monotonic()
    products.SearchByKeyword(SEARCH, timeout=4)
    assert 1.5 < time.monotonic() - started < 4
    assert len(received_calls(sandbox, SEARCHES)) == 2

    # It stops at the deadline: no call to 1688 continues.
    sandbox.inject_fault({"hang": True}, times=5)
    started = time.monotonic()
    with pytest.raises(grpc.RpcError) as failure:
        products.SearchByKeyword(SEARCH, timeout=1)
    ended_s = time.monotonic() - started
    assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    released_s = envoy.wait_until(idle)
    sandbox.admin("DELETE", "faults")

    # A cancellation arrives at once.
    sandbox.inject_fault({"hang": True})
    call = products.SearchByKeyword.future(SEARCH, timeout=TIMEOUT_S)
    envoy.wait_until(lambda: sandbox.state()["in_flight"] == 1)
    call.cancel()
    cancelled_s = envoy.wait_until(idle)
    assert cancelled_s < 1

    # A call with a request id is completed all the same.
    sandbox.inject_fault({"latency_ms": 500})
    call = accounts.RegisterUser.future(registration(1), timeout=TIMEOUT_S)
    envoy.wait_until(lambda: sandbox.state()["in_flight"] == 1)
    call.cancel()
    envoy.wait_until(idle)
    (registered,) = received_calls(sandbox, REGISTRATIONS)
    assert registered["outcome"]["kind"] == "responded"
    report(
        f"a deadline of 1 s ended in {ended_s:.2f} s, at 1688 {released_s:.2f} s later; "
        f"a cancelled call left 1688 within {cancelled_s:.2f} s"
    )

    # Status, pushback and RetryInfo are those of the service.
    for fault, rpc, request, status, pushback, delay_ms in (
        ("gw.QosAppFrequencyLimit", products.SearchByKeyword, SEARCH, "RESOURCE_EXHAUSTED", "-1", 1000),
        ("gw.NoUsageLeftError", products.SearchByKeyword, SEARCH, "RESOURCE_EXHAUSTED", "-1", None),
        (None, accounts.RegisterUser, registration(2), "UNKNOWN", "-1", None),
    ):
        sandbox.inject_fault({"gateway_error": fault} if fault else {"drop": "after_request"}, times=5)
        with pytest.raises(grpc.RpcError) as failure:
            rpc(request, timeout=TIMEOUT_S)
        sandbox.admin("DELETE", "faults")
        details = parse_status_details(failure.value)
        assert failure.value.code().name == status
        trailers: dict[str, Any] = dict(failure.value.trailing_metadata())
        assert trailers["grpc-retry-pushback-ms"] == pushback
        delay = details.get("RetryInfo")
        assert (delay and delay.retry_delay.ToMilliseconds()) == delay_ms


def test_concurrent_large_requests_pass(services):
    _, _, products, _ = services
    noise = random.Random(1688).randbytes(LARGE - 2)
    upload = product.UploadImageRequest(image=b"\xff\xd8" + noise)  # starts like a JPEG, but is none
    calls = [products.UploadImage.future(upload, timeout=TIMEOUT_S) for _ in range(8)]
    # The error is that of the service, which has read the whole request.
    for call in calls:
        assert call.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "ERROR_REASON_INVALID_REQUEST" in str(parse_status_details(call.exception())["ErrorInfo"])


def test_trailing_metadata_of_responses_passes(services):
    _, _, products, _ = services
    _, call = products.SearchByKeyword.with_call(SEARCH, timeout=TIMEOUT_S)
    assert dict(call.trailing_metadata())["nationalsite-dialect"] in ("national-site", "open-platform")
