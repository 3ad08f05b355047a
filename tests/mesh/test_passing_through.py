"""What Envoy hands on as it is: deadlines, cancellations, words about repeats, large requests."""

import random
import time
from typing import Any

import grpc
import pytest
from nationalsite.account.v1 import AccountServiceStub
from nationalsite.product import v1 as product
from nationalsite.product.v1 import ProductServiceStub

from tests.mesh.asking import SEARCH, SEARCHES, TIMEOUT_S, buyer, seen
from tests.mesh.running import CALLERS
from tests.support.status_details import parse_status_details

pytestmark = pytest.mark.mesh

LARGE = 5 * 1024 * 1024


@pytest.fixture
def services(mesh):
    sandbox = mesh.sandbox()
    for service in ("product", "account"):
        mesh.fleet(service, sandbox, 1)
    envoy = mesh.start_envoy()
    products = ProductServiceStub(mesh.channel(CALLERS["product"]))
    accounts = AccountServiceStub(mesh.channel(CALLERS["account"]))
    return sandbox, envoy, products, accounts


def test_what_callers_and_services_tell_each_other(services, report):
    sandbox, envoy, products, accounts = services

    def idle() -> bool:
        return sandbox.state()["in_flight"] == 0

    # The service knows the deadline: it gives up a silent attempt after half of the time, and has another.
    sandbox.inject_fault({"hang": True})
    began = time.monotonic()
    products.SearchByKeyword(SEARCH, timeout=4)
    assert 1.5 < time.monotonic() - began < 4
    assert len(seen(sandbox, SEARCHES)) == 2

    # And it keeps it: nothing goes on at 1688.
    sandbox.inject_fault({"hang": True}, times=5)
    began = time.monotonic()
    with pytest.raises(grpc.RpcError) as failure:
        products.SearchByKeyword(SEARCH, timeout=1)
    ended_s = time.monotonic() - began
    assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    left_s = envoy.until(idle)
    sandbox.admin("DELETE", "faults")

    # A caller that leaves is missed at once.
    for rpc, request in ((products.SearchByKeyword, SEARCH), (accounts.RegisterUser, buyer(1))):
        sandbox.inject_fault({"hang": True})
        call = rpc.future(request, timeout=TIMEOUT_S)
        envoy.until(lambda: sandbox.state()["in_flight"] == 1)
        call.cancel()
        cancelled_s = envoy.until(idle)
        assert cancelled_s < 1
    report(
        f"a deadline of 1 s ended in {ended_s:.2f} s, at 1688 {left_s:.2f} s later; "
        f"a cancelled call left 1688 within {cancelled_s:.2f} s"
    )

    # Whether and when to repeat is told as the service said it.
    for fault, rpc, request, status, pushback, delay_ms in (
        ("gw.QosAppFrequencyLimit", products.SearchByKeyword, SEARCH, "RESOURCE_EXHAUSTED", "1000", 1000),
        ("gw.NoUsageLeftError", products.SearchByKeyword, SEARCH, "RESOURCE_EXHAUSTED", "-1", None),
        (None, accounts.RegisterUser, buyer(2), "UNKNOWN", "-1", None),
    ):
        sandbox.inject_fault({"gateway_error": fault} if fault else {"drop": "after_request"}, times=5)
        with pytest.raises(grpc.RpcError) as failure:
            rpc(request, timeout=TIMEOUT_S)
        sandbox.admin("DELETE", "faults")
        found = parse_status_details(failure.value)
        assert failure.value.code().name == status
        trailers: dict[str, Any] = dict(failure.value.trailing_metadata())
        assert trailers["grpc-retry-pushback-ms"] == pushback
        delay = found.get("RetryInfo")
        assert (delay and delay.retry_delay.ToMilliseconds()) == delay_ms


def test_large_requests_pass_side_by_side(services):
    _, _, products, _ = services
    noise = random.Random(1688).randbytes(LARGE - 2)
    upload = product.UploadImageRequest(image=b"\xff\xd8" + noise)  # begins as a JPEG does, and is none
    calls = [products.UploadImage.future(upload, timeout=TIMEOUT_S) for _ in range(8)]
    # The service has read all of it, and tells so by its own words.
    for call in calls:
        assert call.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "ERROR_REASON_INVALID_REQUEST" in str(parse_status_details(call.exception())["ErrorInfo"])
