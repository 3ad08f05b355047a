"""`check`, against the sandbox."""

import pytest

from services.adapter.codec import Dialect
from tests.adapter.cli.operator_harness import Operator
from tests.support.compiled_operations import compile_once
from tests.support.sample_cases import REPLAY, SERVICES, UPSTREAM_METHODS

pytestmark = pytest.mark.slow  # each test calls every operation

READS = {
    operation.api_id.split(":")[1].rsplit("-", 1)[0]
    for service in (*SERVICES.values(), REPLAY)
    for operation in compile_once(service, Dialect.OPEN_PLATFORM).values()
    if operation.api_id and operation.is_read_only
}
"""1688's names of the operations without side effects."""
DRIFT_READS = {
    "open-platform": {"SearchByKeyword", "GetProductDetail", "GetCategory", "QueryMessages"},
    "national-site": {
        "SearchByKeyword",
        "GetProductDetail",
        "GetCategory",
        "QueryMessages",
        "GetFilterConfig",
    },
}
"""Dialect -> the reads of `check --drift`."""


@pytest.mark.parametrize("dialect", ["open-platform", "national-site"])
def test_all_checks_pass(operator: Operator, dialect: str) -> None:
    operator.set({"NATIONALSITE_DIALECT": dialect})
    operator.admin("PUT", "clock", {"offset_ms": -90_000, "timestamp_window_ms": None})
    operator.admin("DELETE", "calls")
    before = operator.admin("GET", "state")
    result = operator.run("check", "--writes", "--json")
    assert (result.code, result.json["ok"]) == (0, True)
    assert result.json["gateway"]["reachable"]
    assert 89_000 < result.json["gateway"]["clock_skew_ms"] < 91_000
    assert result.json["token"]["source"] == "static"
    assert result.json["token"]["accepted"] is True
    verdicts = result.verdicts
    # Their requests may be empty, so a probe might execute them.
    skipped = {"TakeMessages", "ConfirmMessages"}
    assert {rpc: verdicts[rpc] for rpc in skipped} == dict.fromkeys(skipped, "skipped")
    assert {verdicts[rpc] for rpc in verdicts.keys() - skipped} == {"permitted"}
    only_national_site = {"SyncOrderStatus", "SyncLogisticsStatus", "GetFilterConfig"}
    expected = only_national_site if dialect == "national-site" else set()
    assert verdicts.keys() & only_national_site == expected
    assert verdicts.keys() <= UPSTREAM_METHODS.keys()
    assert len(verdicts) > 15

    after = operator.admin("GET", "state")
    unchanged = ("uploaded_images", "accounts", "orders", "refunds", "vouchers", "messages", "synced")
    assert {name: before[name] for name in unchanged} == {name: after[name] for name in unchanged}
    system = {"access_token", "_aop_signature"}
    assert all(call["parameters"].keys() <= system and not call["files"] for call in operator.calls())


def test_only_reads_are_probed_by_default(operator: Operator) -> None:
    operator.admin("DELETE", "calls")
    result = operator.run("check")
    assert result.code == 0
    assert "all checks passed" in result.out
    assert "accepted by 1688" in result.out
    rows = {line.partition(" ")[0]: line for line in result.out.splitlines()}
    assert "skipped" in rows["CreateRefund"]
    assert "--writes" in rows["CreateRefund"]
    assert "skipped" in rows["TakeMessages"]
    assert "--writes" not in rows["TakeMessages"]  # it would be skipped then, too
    names = {call["path"].split("/")[-2] for call in operator.calls()}
    assert names == {"currentTime"} | READS
    assert names > {"product.search.keywordQuery", "alibaba.category.get", "push.query.messageList"}


def test_a_redis_that_cannot_be_used_fails_the_check(operator: Operator) -> None:
    operator.set({"NATIONALSITE_REDIS_URL": "redis://:hush@127.0.0.1:1/0"})
    result = operator.run("check", "--json")
    problem = "nothing listens on its host and port (NATIONALSITE_REDIS_URL)"
    assert (result.code, result.json["redis"]) == (1, {"problem": problem})
    assert "hush" not in result.out + result.err


def test_declined_operations_are_reported(operator: Operator) -> None:
    declined = ["product.search.keywordQuery", "alibaba.trade.createRefund", "push.query.messageList"]
    operator.admin("PUT", "limits", {"declined": declined})
    result = operator.run("check", "--writes", "--json")
    assert result.code == 1
    verdicts = result.verdicts
    assert {rpc for rpc, verdict in verdicts.items() if verdict == "declined"} == {
        "SearchByKeyword",
        "CreateRefund",
        "QueryMessages",
    }
    assert verdicts["GetProductDetail"] == "permitted"
    detail = next(each["detail"] for each in result.json["permissions"] if each["rpc"] == "CreateRefund")
    assert "gw.APIACLDecline" in detail


def test_an_operation_that_is_turned_off_is_not_checked(operator: Operator) -> None:
    api = "com.alibaba.fenxiao.crossborder:trade.cross.orderStatusSync-1"
    operator.set(
        {"NATIONALSITE_DIALECT": "national-site", "NATIONALSITE_OPERATION_ALIASES": f'{{"{api}": "-"}}'}
    )
    operator.admin("PUT", "limits", {"declined": ["trade.cross.orderStatusSync"]})
    result = operator.run("check", "--writes", "--json")
    assert (result.code, result.json["ok"]) == (0, True)
    assert "SyncOrderStatus" not in result.verdicts


def test_an_operation_that_fails_is_unknown(operator: Operator) -> None:
    fault = {"operation": "alibaba.trade.createRefund", "times": 1, "fault": {"status": 503}}
    operator.admin("POST", "faults", fault)
    result = operator.run("check", "--writes", "--json")
    assert result.code == 1
    assert {rpc for rpc, verdict in result.verdicts.items() if verdict == "unknown"} == {"CreateRefund"}


def test_a_wrong_secret(operator: Operator) -> None:
    operator.set({"NATIONALSITE_APP_SECRET": "not-the-secret"})
    result = operator.run("check", "--json")
    assert result.code == 1
    assert result.json["gateway"]["reachable"]
    assert "app secret" in result.json["gateway"]["problem"]
    assert set(result.verdicts.values()) == {"skipped"}
    assert "not-the-secret" not in result.out


def test_an_unreachable_gateway(operator: Operator) -> None:
    operator.set({"NATIONALSITE_GATEWAY_URL": "http://127.0.0.1:9"})
    result = operator.run("check")
    assert result.code == 1
    assert "not reachable; 1688 cannot be reached" in result.out
    assert "not used" in result.out
    assert "some checks failed" in result.out


def test_an_expired_access_token(operator: Operator) -> None:
    operator.set({"NATIONALSITE_ACCESS_TOKEN": "another-access-token"})
    result = operator.run("check", "--json")
    assert result.code == 1
    assert result.json["token"]["accepted"] is False
    assert result.verdicts["SearchByKeyword"] == "unknown"
    assert result.verdicts["GetCategory"] == "permitted"
    assert "another-access-token" not in result.out


def test_an_expired_refresh_token(operator: Operator) -> None:
    operator.unset_tokens()
    operator.set({"NATIONALSITE_REFRESH_TOKEN": "an-expired-refresh-token"})
    result = operator.run("check", "--json")
    assert result.code == 1
    assert result.json["token"]["accepted"] is False
    assert "rejects the refresh token" in result.json["token"]["problem"]
    assert result.verdicts["SearchByKeyword"] == "skipped"
    assert result.verdicts["GetCategory"] == "permitted"
    assert "an-expired-refresh-token" not in result.out + result.err


def test_without_a_token_the_check_cannot_start(operator: Operator) -> None:
    operator.unset_tokens()
    result = operator.run("check")
    assert (result.code, result.out) == (2, "")
    assert "NATIONALSITE_ACCESS_TOKEN" in result.err


def test_drift_is_not_searched_by_default(operator: Operator) -> None:
    assert operator.run("check", "--json").json["drift"] is None


@pytest.mark.parametrize("dialect", ["open-platform", "national-site"])
def test_drift_of_documented_responses(operator: Operator, dialect: str) -> None:
    operator.set({"NATIONALSITE_DIALECT": dialect})
    result = operator.run("check", "--drift", "--json")
    reads = {read["rpc"]: read for read in result.json["drift"]}
    assert reads.keys() == DRIFT_READS[dialect]
    assert not any(read["unknown"] for read in reads.values())
    assert all(read["compared"] and read["dialect"] == dialect for read in reads.values())
    assert (result.code, result.json["ok"]) == (0, True)


def inject_page(operator: Operator, *offers: dict[str, object]) -> None:
    """Let the search return these offers. The first call of the operation is the probe of its permission."""
    page = {"result": {"success": True, "result": {"data": offers, "totalRecords": len(offers)}}}
    for fault in ({"latency_ms": 1}, {"status": 200, "json": page}):
        body = {"operation": "product.search.keywordQuery", "times": 1, "fault": fault}
        operator.admin("POST", "faults", body)


def test_unknown_and_absent_members_are_listed(operator: Operator) -> None:
    offer = {"offerId": 620201390233, "priceInfo": {"price": "1"}, "giftBox": {"label": "a value of 1688"}}
    inject_page(operator, offer)
    result = operator.run("check", "--drift", "--json")
    assert (result.code, result.json["ok"]) == (3, True)
    search = next(read for read in result.json["drift"] if read["rpc"] == "SearchByKeyword")
    assert search["unknown"] == ["result.result.data.giftBox"]
    absent = {
        "result.result.currentPage",
        "result.result.data.subject",
        "result.result.data.priceInfo.jxhyPrice",
    }
    assert absent <= set(search["absent"])
    assert "result.result.data.offerId" not in search["absent"]
    assert "a value of 1688" not in result.out

    inject_page(operator, offer)
    result = operator.run("check", "--drift")
    assert result.code == 3
    assert "  unknown  result.result.data.giftBox\n" in result.out
    assert "  absent   result.result.data.subject\n" in result.out
    assert "a value of 1688" not in result.out + result.err


def test_a_read_in_the_wrong_dialect_names_the_missing_argument(operator: Operator) -> None:
    """As docs/guides/day-one.md says: 1688's open platform wants `offerQueryParam`. The sandbox has both."""
    operator.set({"NATIONALSITE_DIALECT": "national-site"})
    missing = {"error_code": "gw.ParamMissing", "error_message": "Required argument offerQueryParam"}
    for fault in ({"latency_ms": 1}, {"status": 400, "json": missing}):
        operator.admin(
            "POST", "faults", {"operation": "product.search.keywordQuery", "times": 1, "fault": fault}
        )
    result = operator.run("check", "--drift")
    assert result.code == 1
    (line,) = [each for each in result.out.splitlines() if each.startswith("SearchByKeyword  failed: ")]
    assert "offerQueryParam" in line


def test_a_read_that_fails_is_reported(operator: Operator) -> None:
    inject_page(operator)
    fault = {"operation": "alibaba.category.get", "times": 1, "fault": {"latency_ms": 1}}
    operator.admin("POST", "faults", fault)
    rejection = {"status": 200, "json": {"success": False, "errorCode": "E17", "errorMsg": "closed"}}
    operator.admin("POST", "faults", {"operation": "alibaba.category.get", "times": 1, "fault": rejection})
    result = operator.run("check", "--drift", "--json")
    assert (result.code, result.json["ok"]) == (1, False)
    reads = {read["rpc"]: read for read in result.json["drift"]}
    assert not reads["GetCategory"]["compared"]
    assert "E17, closed" in reads["GetCategory"]["detail"]
    assert reads["GetProductDetail"]["detail"] == "the search found no offer"
    assert not reads["GetProductDetail"]["compared"]


def test_without_a_gateway_nothing_is_compared(operator: Operator) -> None:
    operator.set({"NATIONALSITE_GATEWAY_URL": "http://127.0.0.1:9"})
    result = operator.run("check", "--drift", "--json")
    assert result.code == 1
    assert {read["detail"] for read in result.json["drift"]} == {"the first call of the gateway failed"}


def test_without_a_valid_token_only_anonymous_reads_are_compared(operator: Operator) -> None:
    operator.unset_tokens()
    operator.set({"NATIONALSITE_REFRESH_TOKEN": "an-expired-refresh-token"})
    result = operator.run("check", "--drift", "--json")
    assert result.code == 1
    skipped = {read["rpc"]: read["detail"] for read in result.json["drift"] if not read["compared"]}
    assert skipped == dict.fromkeys(("SearchByKeyword", "GetProductDetail"), "no access token")
    compared = {read["rpc"] for read in result.json["drift"] if read["compared"]}
    assert compared == {"GetCategory", "QueryMessages"}
