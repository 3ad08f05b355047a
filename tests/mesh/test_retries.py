"""Who repeats what: Envoy only reads, and only those that no replica has answered."""

import time

import grpc
import pytest
from nationalsite.account.v1 import AccountServiceStub
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite.product.v1 import ProductServiceStub

from tests.mesh.asking import (
    REGISTRATIONS,
    SEARCH,
    SEARCHES,
    STATUSES,
    TIMEOUT_S,
    buyer,
    order_status,
    registered,
    seen,
)
from tests.mesh.envoy import callers_are_internal
from tests.mesh.running import CALLERS

pytestmark = pytest.mark.mesh

CALLS = 30
ORDERED = (
    ("x-envoy-retry-on", "5xx,gateway-error,reset,connect-failure,retriable-4xx,refused-stream"),
    ("x-envoy-retry-grpc-on", "cancelled,deadline-exceeded,internal,resource-exhausted,unavailable"),
    ("x-envoy-max-retries", "5"),
)
"""With which a caller would have Envoy repeat anything."""


def test_reads_survive_a_lost_replica_and_writes_are_sent_once(mesh, report):
    sandbox = mesh.sandbox()
    products, accounts = mesh.fleet("product", sandbox), mesh.fleet("account", sandbox, 2)
    envoy = mesh.start_envoy(callers_are_internal)
    search = ProductServiceStub(mesh.channel(CALLERS["product"])).SearchByKeyword
    register = AccountServiceStub(mesh.channel(CALLERS["account"])).RegisterUser
    for operation in (SEARCHES, REGISTRATIONS):
        sandbox.inject_fault({"latency_ms": 3000}, operation=operation, times=2 * CALLS)

    reads = [search.future(SEARCH, timeout=TIMEOUT_S) for _ in range(CALLS)]
    writes = [register.future(buyer(number), timeout=TIMEOUT_S, metadata=ORDERED) for number in range(CALLS)]
    envoy.until(lambda: sandbox.state()["in_flight"] == 2 * CALLS)
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
    assert set(registered(sandbox).values()) == {1}
    assert len(registered(sandbox)) == CALLS
    assert len(seen(sandbox, SEARCHES)) == CALLS + lost_reads
    retried = envoy.stat("cluster.product.upstream_rq_retry")
    report(
        f"{lost_reads} of {CALLS} reads were on the killed replica: {retried} repeated, none failed; "
        f"{lost_writes} of {CALLS} writes: all told UNAVAILABLE, each at 1688 once"
    )
    assert retried >= lost_reads > 0  # a repeat may find no connection, and be repeated
    assert envoy.stat("cluster.account.upstream_rq_retry") == 0


def test_what_a_service_answers_is_not_repeated(mesh, report):
    """Callers that try to order repeats get none either: at 1688 it is as if there were no Envoy."""
    sandbox = mesh.sandbox()
    for service in ("product", "order_sync", "account"):
        mesh.fleet(service, sandbox, 1)
    envoy = mesh.start_envoy(callers_are_internal)
    attempts = {}
    for metadata in ((), ORDERED):
        for rpc, request, operation, at_1688 in (
            (stub(mesh, ProductServiceStub).SearchByKeyword, SEARCH, SEARCHES, 3),
            (stub(mesh, OrderSyncServiceStub).SyncOrderStatus, order_status(1), STATUSES, 3),
            (stub(mesh, AccountServiceStub).RegisterUser, buyer(1), REGISTRATIONS, 1),
        ):
            sandbox.admin("DELETE", "calls")
            sandbox.inject_fault({"status": 503}, operation=operation, times=at_1688)
            with pytest.raises(grpc.RpcError) as failure:
                rpc(request, timeout=TIMEOUT_S, metadata=metadata)
            assert failure.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN)
            assert "grpc-status-details-bin" in dict(failure.value.trailing_metadata())
            attempts[operation] = len(seen(sandbox, operation))
            assert attempts[operation] == at_1688
    report(f"requests at 1688 of one failing call: {attempts}")
    for cluster in CALLERS:
        assert envoy.stat(f"cluster.{cluster}.upstream_rq_retry") == 0


def stub(mesh, kind):
    services = {
        ProductServiceStub: "product",
        OrderSyncServiceStub: "order-sync",
        AccountServiceStub: "account",
    }
    return kind(mesh.channel(CALLERS[services[kind]]))


def test_a_write_whose_replicas_are_all_lost_is_told_at_once(mesh):
    sandbox = mesh.sandbox()
    fleet = mesh.fleet("account", sandbox, 2)
    mesh.start_envoy()
    register = stub(mesh, AccountServiceStub).RegisterUser
    for address in list(fleet.members):
        fleet.kill(address)
    began = time.monotonic()
    with pytest.raises(grpc.RpcError) as failure:
        register(buyer(1), timeout=TIMEOUT_S, metadata=ORDERED)
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
    assert time.monotonic() - began < 5
    assert not registered(sandbox)
