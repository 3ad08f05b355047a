"""Envoy retries only reads, and only those that no replica has responded to."""

import time

import grpc
import pytest
from nationalsite.account.v1 import AccountServiceStub
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite.product.v1 import ProductServiceStub

from tests.mesh.environment import CALLERS
from tests.mesh.envoy import trust_caller_headers
from tests.mesh.requests import (
    REGISTRATIONS,
    SEARCH,
    SEARCHES,
    STATUSES,
    TIMEOUT_S,
    order_status,
    received_calls,
    registration,
    registration_counts,
)

pytestmark = pytest.mark.mesh

CALLS = 30
RETRY_HEADERS = (
    ("x-envoy-retry-on", "5xx,gateway-error,reset,connect-failure,retriable-4xx,refused-stream"),
    ("x-envoy-retry-grpc-on", "cancelled,deadline-exceeded,internal,resource-exhausted,unavailable"),
    ("x-envoy-max-retries", "5"),
)
"""Headers by which a caller could make Envoy retry any call."""


def test_reads_survive_a_lost_replica_and_writes_are_sent_once(mesh, report):
    sandbox = mesh.start_sandbox()
    products, accounts = mesh.start_fleet("product", sandbox), mesh.start_fleet("account", sandbox, 2)
    envoy = mesh.start_envoy(trust_caller_headers)
    search = ProductServiceStub(mesh.channel(CALLERS["product"])).SearchByKeyword
    register = AccountServiceStub(mesh.channel(CALLERS["account"])).RegisterUser
    for operation in (SEARCHES, REGISTRATIONS):
        sandbox.inject_fault({"latency_ms": 3000}, operation=operation, times=2 * CALLS)

    reads = [search.future(SEARCH, timeout=TIMEOUT_S) for _ in range(CALLS)]
    writes = [
        register.future(registration(number), timeout=TIMEOUT_S, metadata=RETRY_HEADERS)
        for number in range(CALLS)
    ]
    envoy.wait_until(lambda: sandbox.state()["in_flight"] == 2 * CALLS)
    lost_reads, lost_writes = (
        fleet.calls(method)[address]
        for fleet, method in ((products, "SearchByKeyword"), (accounts, "RegisterUser"))
        for address in [next(iter(fleet.members))]
    )
    for fleet in (products, accounts):
        fleet.kill(next(iter(fleet.members)))

    assert [read.code() for read in reads] == [grpc.StatusCode.OK] * CALLS
    codes = [write.code() for write in writes]
    assert codes.count(grpc.StatusCode.UNAVAILABLE) == lost_writes > 0
    assert codes.count(grpc.StatusCode.OK) == CALLS - lost_writes
    assert set(registration_counts(sandbox).values()) == {1}
    assert len(registration_counts(sandbox)) == CALLS
    assert len(received_calls(sandbox, SEARCHES)) == CALLS + lost_reads
    retried = envoy.stat("cluster.product.upstream_rq_retry")
    report(
        f"{lost_reads} of {CALLS} reads were on the killed replica: {retried} retries, none failed; "
        f"{lost_writes} of {CALLS} writes: all UNAVAILABLE, each sent to 1688 once"
    )
    assert retried >= lost_reads > 0  # a retry can fail to connect, and is retried
    assert envoy.stat("cluster.account.upstream_rq_retry") == 0


def test_responses_of_a_service_are_not_retried(mesh, report):
    """Retry headers of callers have no effect: 1688 receives as many calls as without Envoy."""
    sandbox = mesh.start_sandbox()
    for service in ("product", "order_sync", "account"):
        mesh.start_fleet(service, sandbox, 1)
    envoy = mesh.start_envoy(trust_caller_headers)
    attempts = {}
    for metadata in ((), RETRY_HEADERS):
        for rpc, request, operation, at_1688 in (
            (build_stub(mesh, ProductServiceStub).SearchByKeyword, SEARCH, SEARCHES, 3),
            (build_stub(mesh, OrderSyncServiceStub).SyncOrderStatus, order_status(1), STATUSES, 3),
            (build_stub(mesh, AccountServiceStub).RegisterUser, registration(1), REGISTRATIONS, 1),
        ):
            sandbox.admin("DELETE", "calls")
            sandbox.inject_fault({"status": 503}, operation=operation, times=at_1688)
            with pytest.raises(grpc.RpcError) as failure:
                rpc(request, timeout=TIMEOUT_S, metadata=metadata)
            assert failure.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN)
            assert "grpc-status-details-bin" in dict(failure.value.trailing_metadata())
            attempts[operation] = len(received_calls(sandbox, operation))
            assert attempts[operation] == at_1688
    report(f"requests at 1688 of one failing call: {attempts}")
    for cluster in CALLERS:
        assert envoy.stat(f"cluster.{cluster}.upstream_rq_retry") == 0


def build_stub(mesh, stub_class):
    services = {
        ProductServiceStub: "product",
        OrderSyncServiceStub: "order-sync",
        AccountServiceStub: "account",
    }
    return stub_class(mesh.channel(CALLERS[services[stub_class]]))


def test_a_write_fails_at_once_if_all_replicas_are_lost(mesh):
    sandbox = mesh.start_sandbox()
    fleet = mesh.start_fleet("account", sandbox, 2)
    mesh.start_envoy()
    register = build_stub(mesh, AccountServiceStub).RegisterUser
    for address in list(fleet.members):
        fleet.kill(address)
    started = time.monotonic()
    with pytest.raises(grpc.RpcError) as failure:
        register(registration(1), timeout=TIMEOUT_S, metadata=RETRY_HEADERS)
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
    assert time.monotonic() - started < 5
    assert not registration_counts(sandbox)
