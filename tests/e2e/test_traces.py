"""Spans that a service exports: one for the call, and one for each request to 1688 as its child."""

from contextlib import ExitStack

import grpc
import pytest
from nationalsite.product import v1 as protos
from nationalsite.product.v1 import ProductServiceStub

from tests.support.log_lines import wait_for_lines
from tests.support.sandbox_client import SandboxClient
from tests.support.trace_collector import trace_collector
from tools.local_stack import RunningProcess, start_service, stop

SERVICE = "nationalsite.product.v1.ProductService"
API = "com.alibaba.fenxiao.crossborder:product.search.keywordQuery-1"
TRACE_ID, CALLER_SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVER_KIND, CLIENT_KIND = 2, 3


@pytest.fixture
def start_traced(running_sandbox: RunningProcess, sandbox: SandboxClient):
    """start_traced(protocol) starts the product service; returns a collector, a stub and the process."""
    with ExitStack() as exit_stack:

        def start(protocol, **extra_settings):
            collector, variables = exit_stack.enter_context(trace_collector(protocol))
            settings = {"NATIONALSITE_DIALECT": "national-site", **variables, **extra_settings}
            log = f"test-traces-{protocol.partition('/')[0]}"
            service = start_service("product", running_sandbox.address, settings, log=log)
            exit_stack.callback(stop, service)
            channel = exit_stack.enter_context(grpc.insecure_channel(service.address))
            return collector, ProductServiceStub(channel), service

        yield start


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_spans_are_linked_and_named_in_log_lines(start_traced, sandbox: SandboxClient, protocol: str) -> None:
    collector, stub, service = start_traced(protocol)
    parent = (("traceparent", f"00-{TRACE_ID}-{CALLER_SPAN_ID}-01"),)
    stub.SearchByKeyword(protos.SearchByKeywordRequest(keyword="secret-dress"), metadata=parent, timeout=10)
    sandbox.inject_fault({"status": 503}, times=100)
    with pytest.raises(grpc.RpcError):
        stub.GetCategory(protos.GetCategoryRequest(category_id=0), timeout=10)
    assert stop(service) == 0  # the service exports its last spans

    spans = {span["name"]: span for span in collector.spans()}
    search = spans.pop(f"{SERVICE}/SearchByKeyword")
    assert (search["service"], search["kind"], search["failed"]) == (SERVICE, SERVER_KIND, False)
    assert (search["trace"], search["parent"]) == (TRACE_ID, CALLER_SPAN_ID)
    assert search["attributes"] == {
        "rpc.system": "grpc",
        "rpc.service": SERVICE,
        "rpc.method": "SearchByKeyword",
        "rpc.grpc.status_code": 0,
    }
    request = spans.pop(f"1688 {API}")
    assert (request["kind"], request["trace"], request["parent"]) == (CLIENT_KIND, TRACE_ID, search["id"])
    assert request["attributes"]["nationalsite.upstream.operation"] == API
    assert request["attributes"]["http.response.status_code"] == 200
    assert request["attributes"]["nationalsite.upstream.request_id"]

    failed = spans.pop(f"{SERVICE}/GetCategory")
    (failed_request,) = spans.values()
    assert failed["trace"] not in ("", TRACE_ID)
    assert (failed["parent"], failed_request["parent"]) == ("", failed["id"])
    assert (failed["failed"], failed_request["failed"]) == (True, True)
    assert failed["attributes"]["error.type"] == "UPSTREAM_FAULT"
    assert failed_request["attributes"]["error.type"] == "503"
    assert failed_request["attributes"]["nationalsite.upstream.trace_id"]

    calls = wait_for_lines(service, 2, event="call")
    assert [(line["trace_id"], line["span_id"]) for line in calls] == [
        (span["trace"], span["id"]) for span in (search, failed)
    ]
    assert b"secret-dress" not in b"".join(collector.raw_requests)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_an_unreachable_collector_does_not_prevent_the_shutdown(start_traced, protocol: str) -> None:
    _, stub, service = start_traced(protocol, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    stub.SearchByKeyword(protos.SearchByKeywordRequest(keyword="dress"), timeout=10)
    assert stop(service) == 0
