"""Which replica a call goes to: each in turn, none that drains, none that is sick."""

import signal
import time

import grpc
import pytest
from nationalsite.product.v1 import ProductServiceStub

from tests.mesh.asking import SEARCH, TIMEOUT_S
from tests.mesh.running import CALLERS, Mesh

pytestmark = pytest.mark.mesh


CALLS = 600


def stub_of(mesh: Mesh) -> ProductServiceStub:
    return ProductServiceStub(mesh.channel(CALLERS["product"]))


def test_calls_of_one_connection_spread_evenly(mesh, report):
    fleet = mesh.fleet("product", mesh.sandbox())
    mesh.start_envoy()
    stub = stub_of(mesh)
    for _ in range(CALLS):
        stub.SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
    shares = sorted(fleet.calls("SearchByKeyword").values())
    report(f"{CALLS} calls of one connection: {shares}")
    assert sum(shares) == CALLS
    assert shares[0] > CALLS / 3 * 0.75
    assert shares[-1] < CALLS / 3 * 1.25


def test_a_draining_replica_leaves_before_it_refuses_calls(mesh, report):
    """By its health alone: nobody takes it from the name. There is no traffic that would make Envoy look."""
    fleet = mesh.fleet("product", mesh.sandbox(), 2)
    staying = list(fleet.members)
    leaving = fleet.start(NATIONALSITE_DRAIN_DELAY_SECONDS="60")
    fleet.tell()
    envoy = mesh.start_envoy()
    fleet.signal(leaving)
    left_s = envoy.until(lambda: envoy.taking("product") == set(staying))
    stub = stub_of(mesh)
    for _ in range(50):
        stub.SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
    calls = fleet.calls("SearchByKeyword")
    report(f"out {left_s:.1f} s after SIGTERM")
    assert calls[leaving] == 0
    assert sum(calls.values()) == 50
    assert left_s < 3  # of a drain delay of 5 s, as deployed
    fleet.signal(leaving)  # a second time: it does not wait any longer
    assert fleet.ended(leaving) == 0


def test_a_frozen_replica_leaves_and_comes_back(mesh, report):
    fleet = mesh.fleet("product", mesh.sandbox())
    envoy = mesh.start_envoy()
    frozen, *others = fleet.members
    process = fleet.members[frozen].process
    process.send_signal(signal.SIGSTOP)
    try:
        left_s = envoy.until(lambda: envoy.taking("product") == set(others))
    finally:
        process.send_signal(signal.SIGCONT)
    back_s = envoy.until(lambda: envoy.taking("product") == set(fleet.members))
    report(f"out after {left_s:.1f} s, back after {back_s:.1f} s")


def test_a_sick_replica_is_ejected_and_comes_back(mesh, report):
    """Its way to 1688 is broken, and it does not know: its health is good."""
    good, bad = mesh.sandbox(), mesh.sandbox()
    fleet = mesh.fleet("product", good, 2)
    sick = fleet.start(bad.url)
    fleet.tell()
    envoy = mesh.start_envoy()
    stub = stub_of(mesh)
    everyone = set(fleet.members)

    bad.inject_fault({"status": 503}, times=5000)
    failures = until_ejected(stub, envoy)
    ejected = time.monotonic()
    before = fleet.calls("SearchByKeyword")[sick]
    while time.monotonic() < ejected + 3:  # checks of its health pass meanwhile, and are not to bring it back
        stub.SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
        assert envoy.taking("product") == everyone - {sick}
    assert fleet.calls("SearchByKeyword")[sick] == before

    bad.admin("DELETE", "faults")
    envoy.until(lambda: envoy.taking("product") == everyone, within_s=30)
    back_s = time.monotonic() - ejected
    for _ in range(60):
        stub.SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
    assert fleet.calls("SearchByKeyword")[sick] > before

    good.inject_fault({"status": 503}, times=5000)
    bad.inject_fault({"status": 503}, times=5000)
    until_ejected(stub, envoy)
    for _ in range(60):
        with pytest.raises(grpc.RpcError):
            stub.SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
    ejections = envoy.stat("cluster.product.outlier_detection.ejections_enforced_total")
    report(f"ejected after {failures} failures, back after {back_s:.1f} s; {ejections} ejections in all")
    assert failures == 10
    assert len(envoy.taking("product")) == 2  # where all fail, most of them stay


def until_ejected(stub: ProductServiceStub, envoy) -> int:
    """Call until a replica is ejected; return how many calls failed."""
    failures = 0
    deadline = time.monotonic() + TIMEOUT_S
    while not envoy.stat("cluster.product.outlier_detection.ejections_active"):
        assert time.monotonic() < deadline
        code = stub.SearchByKeyword.future(SEARCH, timeout=TIMEOUT_S).code()
        assert code in (grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE)
        failures += code is grpc.StatusCode.UNAVAILABLE
    return failures
