"""What callers see when 1688, the network or they themselves fail: through running services."""

import concurrent.futures
import json
import random
import time

import grpc
import pytest
from nationalsite.account import v1 as account_v1
from nationalsite.product import v1 as product_v1

from tools.local_stack import RunningProcess, start_sandbox, start_service, stop

SEARCH = {"keyword": "dress"}
BUYER = {
    "country": "japan",
    "site": "sniff",
    "out_login_name": "hanako-secret-name",
    "out_member_id": "member-1",
    "email": "hanako@example.com",
    "mobile": "09012345678",
    "mobile_area": "JP",
    "ip": "192.0.2.10",
}
REFUND = {
    "cbu_order_id": "506683458994743225",
    "cbu_order_entry_ids": ["506683458996743225"],
    "dispute_request": "DISPUTE_KIND_REFUND",
    "apply_payment": {"units": "1"},
    "apply_carriage": {},
    "apply_reason_id": "20006",
    "description": "不想买了",
    "goods_status": "GOODS_STATUS_REFUND_WAIT_SELLER_SEND",
}
RETURN = {
    "refund_id": "TQ36706338027991577",
    "logistics_company_no": "ZTO",
    "freight_bill": "3110044550034338",
}

FAULTS = [
    # fault, what a search (repeatable) tells, what a registration or a refund (not repeatable) tells
    # Those that are repeated stand in fault_table.py.
    ({"gateway_error": "gw.NoUsageLeftError"}, "UPSTREAM_QUOTA", "UPSTREAM_QUOTA"),
    ({"gateway_error": "401"}, "UPSTREAM_CREDENTIAL", "UPSTREAM_CREDENTIAL"),
    ({"gateway_error": "gw.SignatureInvalid"}, "UPSTREAM_SIGNATURE", "UPSTREAM_SIGNATURE"),
    ({"status": 404, "body": "<html>"}, "UPSTREAM_GATEWAY", "UPSTREAM_GATEWAY"),
    ({"status": 200, "body": ""}, "UPSTREAM_UNREADABLE", "OUTCOME_UNKNOWN"),
    ({"malformed": True}, "UPSTREAM_UNREADABLE", "OUTCOME_UNKNOWN"),
]
STATUS = {
    "UPSTREAM_QUOTA": "RESOURCE_EXHAUSTED",
    "UPSTREAM_CREDENTIAL": "INTERNAL",
    "UPSTREAM_SIGNATURE": "INTERNAL",
    "UPSTREAM_GATEWAY": "INTERNAL",
    "UPSTREAM_UNREADABLE": "INTERNAL",
    "OUTCOME_UNKNOWN": "UNKNOWN",
}
PUSHBACK = {"UPSTREAM_QUOTA": "-1", "OUTCOME_UNKNOWN": "-1"}


@pytest.mark.parametrize(("fault", "search", "register"), FAULTS, ids=str)
def test_a_fault_is_told_by_the_level_of_the_rpc(fault, search, register, rpcs, sandbox, details) -> None:
    for rpc, request, reason in (
        ("SearchByKeyword", SEARCH, search),
        ("RegisterUser", {"country_account": BUYER}, register),
        ("CreateRefund", REFUND, register),
        ("SubmitReturnGoods", RETURN, register),
    ):
        sandbox.admin("DELETE", "calls")
        sandbox.fault(fault)
        with pytest.raises(grpc.RpcError) as failure:
            rpcs.call(rpc, "national-site", request)
        found = details(failure.value)
        assert found["ErrorInfo"].reason == f"ERROR_REASON_{reason}"
        assert failure.value.code().name == STATUS[reason]
        trailers = dict(failure.value.trailing_metadata())
        assert "RetryInfo" not in found
        assert trailers.get("grpc-retry-pushback-ms") == PUSHBACK.get(reason)
        assert len(sandbox.calls()) == 1


def test_half_a_picture_search_is_not_begun(rpcs, sandbox, details) -> None:
    """What the search cannot carry is refused before the picture is uploaded."""
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call("SearchByImage", "national-site", {"image": png, "region": "1,2,3,4"})
    assert details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_NOT_IN_DIALECT"
    assert sandbox.calls() == []


def test_the_callers_deadline_ends_the_call_of_1688(rpcs, sandbox) -> None:
    sandbox.fault({"hang": True})
    started = time.monotonic()
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.method("SearchByKeyword", "national-site")(rpcs.request("SearchByKeyword", SEARCH), timeout=0.5)
    assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - started < 5
    _wait(lambda: sandbox.state()["in_flight"] == 0)


def test_nobody_at_the_gateway_is_unavailable_and_never_unknown(details) -> None:
    """No connection was made, so even a registration may be repeated."""
    sandbox = start_sandbox(log="test-gone-sandbox")
    account = start_service("account", sandbox.address, log="test-gone-account")
    try:
        assert stop(sandbox) == 0
        with grpc.insecure_channel(account.address) as channel, pytest.raises(grpc.RpcError) as failure:
            _register(channel)
        assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
        assert details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_UPSTREAM_UNAVAILABLE"
    finally:
        assert stop(account) == 0


def test_what_the_drain_ends_is_told_by_the_level_of_the_rpc(running_sandbox, sandbox, details) -> None:
    """A search may go elsewhere; whether a registration was carried out nobody knows."""
    sandbox.fault({"hang": True}, times=2)
    settings = {"NATIONALSITE_GRACE_SECONDS": "0.1"}
    answers = {}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for name, call in (("product", _search), ("account", _register)):
            service = start_service(name, running_sandbox.address, settings, log=f"test-drain-{name}")
            with grpc.insecure_channel(service.address) as channel:
                answer = pool.submit(call, channel)
                _wait(lambda: sandbox.state()["in_flight"] == 1)
                assert stop(service) == 0
                answers[name] = answer.exception()
            _wait(lambda: sandbox.state()["in_flight"] == 0)
    told = {name: details(error)["ErrorInfo"].reason for name, error in answers.items()}
    assert told == {"product": "ERROR_REASON_DRAINING", "account": "ERROR_REASON_OUTCOME_UNKNOWN"}
    assert "RetryInfo" in details(answers["product"])


def test_two_thousand_cancelled_calls_leave_nothing_behind(rpcs, sandbox, running) -> None:
    method = rpcs.method("SearchByKeyword", "open-platform")
    request = rpcs.request("SearchByKeyword", SEARCH)
    chance = random.Random(1688)
    sandbox.fault({"latency_ms": 200}, times=2000)
    for _ in range(20):
        calls = [method.future(request, timeout=20) for _ in range(100)]
        time_to_cancel = time.monotonic() + chance.random() * 0.2
        _wait(lambda until=time_to_cancel: time.monotonic() >= until)
        for call in calls:
            call.cancel()
    sandbox.admin("DELETE", "faults")
    _wait(lambda: sandbox.state()["in_flight"] == 0)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: method(request, timeout=20), range(200)))
    assert len(answers) == 200
    assert all(answer.offers for answer in answers)


def test_tokens_are_fetched_renewed_and_never_told(running_sandbox, sandbox, tmp_path) -> None:
    """A refresh token in a file: fetched at first need, renewed after a refusal, rotated in the file."""
    file = tmp_path / "refresh-token"
    file.write_text("test-refresh-token\n")
    sandbox.admin("PUT", "tokens", {"refresh_token": "rotate"})
    settings = {"NATIONALSITE_ACCESS_TOKEN": "", "NATIONALSITE_REFRESH_TOKEN_FILE": str(file)}
    account = start_service("account", running_sandbox.address, settings, log="test-tokens")
    try:
        with grpc.insecure_channel(account.address) as channel:
            _register(channel, "member-1")
            _wait(lambda: file.read_text() != "test-refresh-token\n")
            first = file.read_text()
            sandbox.admin("PUT", "tokens", {"revoke_access_tokens": True, "refresh_token": "rotate"})
            _register(channel, "member-2")
            _wait(lambda: file.read_text() != first)
    finally:
        assert stop(account) == 0
    apis = [call["path"].split("/")[-2] for call in sandbox.calls()]
    assert apis == [
        "getToken",
        "account.user.register",
        "account.user.register",
        "getToken",
        "account.user.register",
    ]
    log = account.log.read_text()
    for secret in ("test-app-secret", "test-refresh-token", first.strip(), file.read_text().strip()):
        assert secret not in log


def test_replicas_share_a_refresh_token_that_rotates(running_sandbox, sandbox, tmp_path) -> None:
    """The one that comes second is refused, and finds what the first one wrote."""
    file = tmp_path / "refresh-token"
    file.write_text("test-refresh-token\n")
    sandbox.admin("PUT", "tokens", {"refresh_token": "rotate"})
    settings = {"NATIONALSITE_ACCESS_TOKEN": "", "NATIONALSITE_REFRESH_TOKEN_FILE": str(file)}
    replicas = [
        start_service("account", running_sandbox.address, settings, log=f"test-replica-{number}")
        for number in range(2)
    ]
    channels = [grpc.insecure_channel(replica.address) for replica in replicas]
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(_register, channels, ["member-1", "member-2"]))
    finally:
        for channel, replica in zip(channels, replicas, strict=True):
            channel.close()
            assert stop(replica) == 0


def test_neither_log_nor_error_tells_of_the_buyer(
    rpcs, sandbox, running: dict[tuple[str, str], RunningProcess]
) -> None:
    """Not even where 1688's own words repeat what it was sent."""
    echoed = f"bad buyer {json.dumps(BUYER)} token test-access-token"
    sandbox.fault({"status": 200, "json": {"success": False, "code": BUYER["email"], "message": echoed}})
    trace = "0af7651916cd43dd8448eb211c80319c"
    metadata = (("traceparent", f"00-{trace}-00f067aa0ba902b7-01"),)
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call("RegisterUser", "national-site", {"country_account": BUYER}, metadata=metadata)
    told = str(failure.value.trailing_metadata()) + str(failure.value.details())
    log = running["account", "national-site"].log
    _wait(lambda: trace in log.read_text())
    told += log.read_text()
    for name in ("out_login_name", "email", "mobile", "ip"):
        assert BUYER[name] not in told
    assert "test-access-token" not in told


def test_every_call_leaves_one_line(rpcs, sandbox, running: dict[tuple[str, str], RunningProcess]) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    rpcs.call(
        "GetCategory",
        "open-platform",
        {},
        metadata=(("traceparent", f"00-{trace}-00f067aa0ba902b7-01"),),
    )
    log = running["product", "open-platform"].log
    _wait(lambda: trace in log.read_text())
    lines = [json.loads(line) for line in log.read_text().splitlines() if trace in line]
    assert len(lines) == 1
    assert lines[0]["event"] == "call"
    assert lines[0]["rpc"].endswith("/GetCategory")
    assert lines[0]["status"] == "OK"
    assert lines[0]["upstream_ms"] <= lines[0]["duration_ms"]


def _register(channel: grpc.Channel, member: str = "member-1") -> None:
    buyer = account_v1.CountryAccount(**BUYER | {"out_member_id": member})
    request = account_v1.RegisterUserRequest(country_account=buyer)
    account_v1.AccountServiceStub(channel).RegisterUser(request, timeout=10)


def _search(channel: grpc.Channel) -> None:
    request = product_v1.SearchByKeywordRequest(keyword="dress")
    product_v1.ProductServiceStub(channel).SearchByKeyword(request, timeout=10)


def _wait(condition) -> None:
    """Wait for a condition, not for a time; fail where it does not come about."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come about"
        time.sleep(0.01)
