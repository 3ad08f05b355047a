"""Which replica a call goes to: each in turn, none that drains, none that is sick."""

import signal
import time

import grpc
import pytest
from nationalsite.product.v1 import product_service_pb2 as product
from nationalsite.product.v1.product_service_pb2_grpc import ProductServiceStub

from tests.mesh.running import CALLERS, Mesh

pytestmark = pytest.mark.mesh

SEARCH = product.SearchByKeywordRequest(keyword="dress", page_size=1)
TIMEOUT_S = 20
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
