"""What a running service tells its operators."""

import urllib.request

from tools.local_stack import RunningProcess


def test_metrics_count_calls_and_what_could_not_be_read(
    rpcs, sandbox, running: dict[tuple[str, str], RunningProcess]
) -> None:
    offer = {"offerId": "not a number", "subject": "曲奇"}
    reply = {"success": True, "data": {"searchOfferModelList": [offer]}}
    sandbox.fault({"status": 200, "json": reply}, operation="product.search.keywordQuery")
    found = rpcs.call("SearchByKeyword", "national-site", {"keyword": "cookies"})
    assert found == {"offers": [{"subject": "曲奇"}]}
    metrics = _fetch(running["product", "national-site"], "metrics")
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
    assert "not a number" not in running["product", "national-site"].log.read_text()


def test_probes(running: dict[tuple[str, str], RunningProcess]) -> None:
    for each in running.values():
        assert (_fetch(each, "livez"), _fetch(each, "readyz")) == ("alive\n", "ready\n")


def _fetch(service: RunningProcess, path: str) -> str:
    with urllib.request.urlopen(f"{service.http}/{path}", timeout=10) as answer:
        assert answer.status == 200
        return answer.read().decode()
