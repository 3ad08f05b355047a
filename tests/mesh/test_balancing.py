"""Load balancing: evenly over replicas, without draining, frozen and failing ones."""

import signal
import time

import grpc
import pytest
from nationalsite.product.v1 import ProductServiceStub

from tests.mesh.environment import CALLERS, Mesh
from tests.mesh.requests import SEARCH, TIMEOUT_S

pytestmark = pytest.mark.mesh


CALLS = 600


def product_stub(mesh: Mesh) -> ProductServiceStub:
    return ProductServiceStub(mesh.channel(CALLERS["product"]))


def test_calls_of_one_connection_spread_evenly(mesh, report):
    fleet = mesh.start_fleet("product", mesh.start_sandbox())
    mesh.start_envoy()
    stub = product_stub(mesh)
    for _ in range(CALLS):
        stub.SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
    shares = sorted(fleet.calls("SearchByKeyword").values())
    report(f"{CALLS} calls of one connection: {shares}")
    assert sum(shares) == CALLS
    assert shares[0] > CALLS / 3 * 0.75
    assert shares[-1] < CALLS / 3 * 1.25


def test_a_draining_replica_is_removed_before_it_rejects_calls(mesh, report):
    """Health checks alone remove it: its address stays in DNS, and there is no traffic."""
    fleet = mesh.start_fleet("product", mesh.start_sandbox(), 2)
    staying = list(fleet.members)
    leaving = fleet.start(NATIONALSITE_DRAIN_DELAY_SECONDS="60")
    fleet.publish()
    envoy = mesh.start_envoy()
    fleet.signal(leaving)
    removed_s = envoy.wait_until(lambda: envoy.active_hosts("product") == set(staying))
    stub = product_stub(mesh)
    for _ in range(50):
        stub.SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
    calls = fleet.calls("SearchByKeyword")
    report(f"out {removed_s:.1f} s after SIGTERM")
    assert calls[leaving] == 0
    assert sum(calls.values()) == 50
    assert removed_s < 3  # the deployed drain delay is 5 s
    fleet.signal(leaving)  # a second signal skips the drain delay
    assert fleet.wait_for_exit(leaving) == 0


def test_a_frozen_replica_is_removed_and_returns(mesh, report):
    fleet = mesh.start_fleet("product", mesh.start_sandbox())
    envoy = mesh.start_envoy()
    frozen, *others = fleet.members
    process = fleet.members[frozen].process
    process.send_signal(signal.SIGSTOP)
    try:
        removed_s = envoy.wait_until(lambda: envoy.active_hosts("product") == set(others))
    finally:
        process.send_signal(signal.SIGCONT)
    returned_s = envoy.wait_until(lambda: envoy.active_hosts("product") == set(fleet.members))
    report(f"out after {removed_s:.1f} s, back after {returned_s:.1f} s")


def test_a_failing_replica_is_ejected_and_returns(mesh, report):
    """Its connection to 1688 is broken, but its health check passes."""
    good, bad = mesh.start_sandbox(), mesh.start_sandbox()
    fleet = mesh.start_fleet("product", good, 2)
    failing = fleet.start(bad.url)
    fleet.publish()
    envoy = mesh.start_envoy()
    stub = product_stub(mesh)
    members = set(fleet.members)

    bad.inject_fault({"status": 503}, times=5000)
    failures = call_until_ejected(stub, envoy)
    ejected = time.monotonic()
    before = fleet.calls("SearchByKeyword")[failing]
    while time.monotonic() < ejected + 3:  # passing health checks must not bring it back
        stub.SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
        assert envoy.active_hosts("product") == members - {failing}
    assert fleet.calls("SearchByKeyword")[failing] == before

    bad.admin("DELETE", "faults")
    envoy.wait_until(lambda: envoy.active_hosts("product") == members, timeout_s=30)
    returned_s = time.monotonic() - ejected
    for _ in range(60):
        stub.SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
    assert fleet.calls("SearchByKeyword")[failing] > before

    good.inject_fault({"status": 503}, times=5000)
    bad.inject_fault({"status": 503}, times=5000)
    call_until_ejected(stub, envoy)
    for _ in range(60):
        with pytest.raises(grpc.RpcError):
            stub.SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
    ejections = envoy.stat("cluster.product.outlier_detection.ejections_enforced_total")
    report(f"ejected after {failures} failures, back after {returned_s:.1f} s; {ejections} ejections in all")
    assert failures == 10
    assert len(envoy.active_hosts("product")) == 2  # if all fail, most of them stay


def call_until_ejected(stub: ProductServiceStub, envoy) -> int:
    """Call until a replica is ejected; return how many calls failed."""
    failures = 0
    deadline = time.monotonic() + TIMEOUT_S
    while not envoy.stat("cluster.product.outlier_detection.ejections_active"):
        assert time.monotonic() < deadline
        code = stub.SearchByKeyword.future(SEARCH, timeout=TIMEOUT_S).code()
        assert code in (grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE)
        failures += code is grpc.StatusCode.UNAVAILABLE
    return failures
