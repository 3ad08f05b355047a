"""Metrics and probes of a running service."""

import urllib.request

import pytest

from tests.e2e.conftest import DIALECTS, RpcClient, ServicePool, StartDedicated
from tests.support.log_lines import wait_for_lines
from tests.support.sample_cases import SERVICES
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import RunningProcess


def test_metrics_count_calls_and_unreadable_fields(
    client: RpcClient, sandbox: SandboxClient, running_services: ServicePool
) -> None:
    offer = {"offerId": "not a number", "subject": "曲奇"}
    reply = {"success": True, "data": {"searchOfferModelList": [offer]}}
    sandbox.inject_fault({"status": 200, "json": reply}, operation="product.search.keywordQuery")
    response = client.call("SearchByKeyword", "national-site", {"keyword": "cookies"})
    assert response == {"offers": [{"subject": "曲奇"}]}
    metrics = _fetch(running_services["product", "national-site"], "metrics")
    operation = "com.alibaba.fenxiao.crossborder:product.search.keywordQuery-1"
    method = "nationalsite.product.v1.ProductService/SearchByKeyword"
    for expected in (
        'nationalsite_fields_unreadable_total{field="offers.offer_id",rpc="SearchByKeyword"} ',
        f'nationalsite_upstream_calls_total{{operation="{operation}",outcome="OK"}} ',
        f'nationalsite_upstream_call_duration_seconds_count{{operation="{operation}"}} ',
        f'nationalsite_upstream_attempts_total{{operation="{operation}",outcome="OK"}} ',
        f'nationalsite_upstream_circuit_breaker_state{{operation="{operation}"}} 0.0',
        'nationalsite_upstream_rate_limit{scope="app"} +Inf',
        "nationalsite_upstream_in_flight 0.0",
        "nationalsite_upstream_queued 0.0",
        "nationalsite_cache_bytes 0.0",
        "nationalsite_token_age_seconds 0.0",
        "nationalsite_refresh_token_days_left NaN",
        "nationalsite_tasks ",
        f'grpc_server_call_started_total{{grpc_method="{method}"}} ',
    ):
        assert expected in metrics
    assert "not a number" not in running_services["product", "national-site"].log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
def test_unknown_members_are_counted_and_named_without_values(
    sandbox: SandboxClient, start_dedicated: StartDedicated, dialect: str
) -> None:
    settings = {"NATIONALSITE_LOG_LEVEL": "debug", "NATIONALSITE_DRIFT_SAMPLE_INTERVAL": "2"}
    process, client = start_dedicated("product", dialect, settings)
    offer = {"offerId": 1, "subject": "曲奇", "giftBox": {"label": "a value of 1688"}}
    if dialect == "national-site":
        path, page = "data.searchOfferModelList", {"success": True, "data": {"searchOfferModelList": [offer]}}
    else:
        path, page = "result.result.data", {"result": {"success": True, "result": {"data": [offer]}}}
    sandbox.inject_fault({"status": 200, "json": page}, operation="product.search.keywordQuery", times=3)
    request = {"keyword": "cookies", "country": "japan"}
    for _ in range(3):
        response = client.call("SearchByKeyword", dialect, request)
        assert response == {"offers": [{"offer_id": "1", "subject": "曲奇"}]}
    labels = (
        f'{{dialect="{dialect}",operation="com.alibaba.fenxiao.crossborder:product.search.keywordQuery-1"}}'
    )
    metrics = _fetch(process, "metrics")
    assert f"nationalsite_responses_compared_total{labels} 2.0\n" in metrics
    assert f"nationalsite_members_unknown_total{labels} 2.0\n" in metrics
    assert "giftBox" not in metrics
    lines = wait_for_lines(process, 1, event="unknown_members")
    assert [line["paths"] for line in lines] == [[f"{path}.giftBox"]]
    assert "a value of 1688" not in process.log.read_text()


def test_probes(running_services: ServicePool) -> None:
    for name in SERVICES:
        service = running_services[name, "national-site"]
        assert (_fetch(service, "livez"), _fetch(service, "readyz")) == ("alive\n", "ready\n")


def _fetch(service: RunningProcess, path: str) -> str:
    with urllib.request.urlopen(f"{service.http}/{path}", timeout=10) as response:
        assert response.status == 200
        return str(response.read().decode())
