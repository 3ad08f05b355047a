"""Spans that really leave a service: of the call, and of the exchange with 1688 below it."""

import json
from contextlib import ExitStack

import grpc
import pytest
from nationalsite.product import v1 as protos
from nationalsite.product.v1 import ProductServiceStub

from tests.support.trace_collector import trace_collector
from tools.local_stack import start_service, stop

SERVICE = "nationalsite.product.v1.ProductService"
API = "com.alibaba.fenxiao.crossborder:product.search.keywordQuery-1"
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVER_KIND, CLIENT_KIND = 2, 3


@pytest.fixture
def traced(running_sandbox):
    """traced(protocol) starts the product service, and yields what collects, a stub, and the process."""
    with ExitStack() as opened:

        def start(protocol, **more):
            collector, variables = opened.enter_context(trace_collector(protocol))
            settings = {"NATIONALSITE_DIALECT": "national-site", **variables, **more}
            log = f"test-traces-{protocol.partition('/')[0]}"
            service = start_service("product", running_sandbox.address, settings, log=log)
            opened.callback(stop, service)
            channel = opened.enter_context(grpc.insecure_channel(service.address))
            return collector, ProductServiceStub(channel), service

        yield start


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_spans_arrive_with_their_edges_and_log_lines_name_them(traced, sandbox, protocol):
    collector, stub, service = traced(protocol)
    parent = (("traceparent", f"00-{TRACE}-{CALLER}-01"),)
    stub.SearchByKeyword(protos.SearchByKeywordRequest(keyword="secret-dress"), metadata=parent, timeout=10)
    sandbox.fault({"status": 503}, times=100)
    with pytest.raises(grpc.RpcError):
        stub.GetCategory(protos.GetCategoryRequest(category_id=0), timeout=10)
    assert stop(service) == 0  # which sends what is left

    spans = {span["name"]: span for span in collector.spans()}
    search = spans.pop(f"{SERVICE}/SearchByKeyword")
    assert (search["service"], search["kind"], search["failed"]) == (SERVICE, SERVER_KIND, False)
    assert (search["trace"], search["parent"]) == (TRACE, CALLER)
    assert search["attributes"] == {
        "rpc.system": "grpc",
        "rpc.service": SERVICE,
        "rpc.method": "SearchByKeyword",
        "rpc.grpc.status_code": 0,
    }
    exchange = spans.pop(f"1688 {API}")
    assert (exchange["kind"], exchange["trace"], exchange["parent"]) == (CLIENT_KIND, TRACE, search["id"])
    assert exchange["attributes"]["nationalsite.upstream.operation"] == API
    assert exchange["attributes"]["http.response.status_code"] == 200
    assert exchange["attributes"]["nationalsite.upstream.request_id"]

    failed = spans.pop(f"{SERVICE}/GetCategory")
    (refused,) = spans.values()
    assert failed["trace"] not in ("", TRACE)
    assert (failed["parent"], refused["parent"]) == ("", failed["id"])
    assert (failed["failed"], refused["failed"]) == (True, True)
    assert failed["attributes"]["error.type"] == "UPSTREAM_FAULT"
    assert refused["attributes"]["error.type"] == "503"
    assert refused["attributes"]["nationalsite.upstream.trace_id"]

    calls = [
        line for line in map(json.loads, service.log.read_text().splitlines()) if line["event"] == "call"
    ]
    assert [(line["trace_id"], line["span_id"]) for line in calls] == [
        (span["trace"], span["id"]) for span in (search, failed)
    ]
    assert b"secret-dress" not in b"".join(collector.raw)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_collector_that_is_away_keeps_no_service_from_ending(traced, protocol):
    _, stub, service = traced(protocol, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    stub.SearchByKeyword(protos.SearchByKeywordRequest(keyword="dress"), timeout=10)
    assert stop(service) == 0
