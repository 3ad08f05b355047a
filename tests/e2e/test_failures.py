"""What callers see when 1688, the network or the service fails, and when they cancel."""

import asyncio
import concurrent.futures
import json
import random
import time
import uuid
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from nationalsite.account import v1 as account_v1
from nationalsite.product import v1 as product_v1

from services.adapter import AdapterSettings, operations_lifespan
from tests.e2e.conftest import RpcClient, ServicePool, StartDedicated
from tests.e2e.sample_requests import BUYER, REFUND, RETURN, SEARCH
from tests.support.polling import wait_until
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_reason, parse_status_details
from tools.local_stack import RunningProcess, start_sandbox, start_service, stop

FAULTS = [
    # Fault, reason for a search (idempotent), reason for a registration or a refund (not idempotent).
    # fault_table.py has the faults after which calls are retried.
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


@pytest.mark.parametrize(("fault", "search_reason", "write_reason"), FAULTS, ids=str)
def test_errors_depend_on_the_idempotency_of_the_rpc(
    fault: dict[str, Any], search_reason: str, write_reason: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    for rpc, request, reason in (
        ("SearchByKeyword", SEARCH, search_reason),
        ("RegisterUser", {"country_account": BUYER}, write_reason),
        ("CreateRefund", REFUND, write_reason),
        ("SubmitReturnGoods", RETURN, write_reason),
    ):
        sandbox.admin("DELETE", "calls")
        sandbox.inject_fault(fault)
        with pytest.raises(grpc.RpcError) as failure:
            client.call(rpc, "national-site", request)
        details = parse_status_details(failure.value)
        assert details["ErrorInfo"].reason == f"ERROR_REASON_{reason}"
        assert failure.value.code().name == STATUS[reason]
        trailers = dict(failure.value.trailing_metadata())
        assert "RetryInfo" not in details
        assert trailers.get("grpc-retry-pushback-ms") == "-1"
        assert len(sandbox.calls()) == 1


def test_an_invalid_image_search_uploads_nothing(client: RpcClient, sandbox: SandboxClient) -> None:
    """A field that the search does not support is rejected before the image is uploaded."""
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
    with pytest.raises(grpc.RpcError) as failure:
        client.call("SearchByImage", "national-site", {"image": png, "region": "1,2,3,4"})
    assert parse_status_details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_NOT_IN_DIALECT"
    assert sandbox.calls() == []


def test_the_callers_deadline_ends_the_upstream_call(client: RpcClient, sandbox: SandboxClient) -> None:
    sandbox.inject_fault({"hang": True})
    started = time.monotonic()
    with pytest.raises(grpc.RpcError) as failure:
        client.method("SearchByKeyword", "national-site")(
            client.request("SearchByKeyword", SEARCH), timeout=0.5
        )
    assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - started < 5
    wait_until(lambda: sandbox.state()["in_flight"] == 0)


@pytest.mark.slow
def test_a_refused_connection_is_unavailable_not_outcome_unknown() -> None:
    """No request was sent, so even a registration may be retried."""
    sandbox = start_sandbox(log="test-gone-sandbox")
    account = start_service("account", sandbox.address, log="test-gone-account")
    try:
        assert stop(sandbox) == 0
        with grpc.insecure_channel(account.address) as channel, pytest.raises(grpc.RpcError) as failure:
            _register(channel)
        assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
        assert parse_status_details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_UPSTREAM_UNAVAILABLE"
    finally:
        assert stop(account) == 0


@pytest.mark.slow
def test_errors_of_a_drain_depend_on_the_idempotency_of_the_rpc(
    running_sandbox: RunningProcess, sandbox: SandboxClient
) -> None:
    """A search may be retried at another replica; the outcome of a registration is unknown."""
    sandbox.inject_fault({"hang": True}, times=2)
    settings = {"NATIONALSITE_GRACE_SECONDS": "0.1"}
    errors = {}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for name, call in (("product", _search), ("account", _register)):
            service = start_service(name, running_sandbox.address, settings, log=f"test-drain-{name}")
            with grpc.insecure_channel(service.address) as channel:
                future = pool.submit(call, channel)
                wait_until(lambda: sandbox.state()["in_flight"] == 1)
                assert stop(service) == 0
                errors[name] = future.exception()
            wait_until(lambda: sandbox.state()["in_flight"] == 0)
    reasons = {name: parse_status_details(error)["ErrorInfo"].reason for name, error in errors.items()}
    assert reasons == {"product": "ERROR_REASON_DRAINING", "account": "ERROR_REASON_OUTCOME_UNKNOWN"}
    assert "RetryInfo" in parse_status_details(errors["product"])


@pytest.mark.slow
def test_two_thousand_cancelled_calls_leave_nothing_behind(client: RpcClient, sandbox: SandboxClient) -> None:
    method = client.method("SearchByKeyword", "open-platform")
    request = client.request("SearchByKeyword", SEARCH)
    uniform = random.Random(1688).uniform
    sandbox.inject_fault({"latency_ms": 200}, times=2000)
    for _ in range(20):
        calls = [method.future(request, timeout=20) for _ in range(100)]
        time.sleep(uniform(0, 0.2))
        for call in calls:
            call.cancel()
    sandbox.admin("DELETE", "faults")
    wait_until(lambda: sandbox.state()["in_flight"] == 0)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        responses = list(pool.map(lambda _: method(request, timeout=20), range(200)))
    assert len(responses) == 200
    assert all(response.offers for response in responses)


@pytest.mark.slow
def test_tokens_are_fetched_and_refreshed_and_never_logged(
    running_sandbox: RunningProcess, sandbox: SandboxClient, tmp_path: Path
) -> None:
    """With a refresh token in a file: fetch at the first call, refresh after an error, rotate in the file."""
    file = tmp_path / "refresh-token"
    file.write_text("test-refresh-token\n")
    sandbox.admin("PUT", "tokens", {"refresh_token": "rotate"})
    settings = {"NATIONALSITE_ACCESS_TOKEN": "", "NATIONALSITE_REFRESH_TOKEN_FILE": str(file)}
    account = start_service("account", running_sandbox.address, settings, log="test-tokens")
    try:
        with grpc.insecure_channel(account.address) as channel:
            _register(channel, "member-1")
            wait_until(lambda: file.read_text() != "test-refresh-token\n")
            first = file.read_text()
            sandbox.admin("PUT", "tokens", {"revoke_access_tokens": True, "refresh_token": "rotate"})
            _register(channel, "member-2")
            wait_until(lambda: file.read_text() != first)
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


@pytest.mark.parametrize(
    ("service", "rpc", "request_type", "content"),
    [
        (product_v1.PRODUCT_SERVICE, "SearchByKeyword", product_v1.SearchByKeywordRequest, SEARCH),
        (
            account_v1.ACCOUNT_SERVICE,
            "RegisterUser",
            account_v1.RegisterUserRequest,
            {"country_account": BUYER},
        ),
    ],
    ids=["read", "write"],
)
async def test_call_asks_for_a_token_again_after_a_page_of_a_proxy(
    service: ServiceDescriptor,
    rpc: str,
    request_type: type[Message],
    content: dict[str, Any],
    running_sandbox: RunningProcess,
    sandbox: SandboxClient,
) -> None:
    """A write that is not idempotent, too: nothing was sent before there is a token."""
    page = {"status": 302, "body": "<html>", "content_type": "text/html"}
    sandbox.inject_fault(page, operation="getToken", times=2)
    settings: dict[str, Any] = {
        "gateway_url": running_sandbox.address,
        "app_key": "1000000",
        "app_secret": "test-app-secret",
        "refresh_token": "test-refresh-token",
    }
    async with operations_lifespan(service, AdapterSettings(**settings)) as operations:
        request = ParseDict(content, request_type())
        await operations.call(rpc, request, asyncio.get_running_loop().time() + 20)
    paths = [call["path"] for call in sandbox.calls()]
    assert ["getToken" in path for path in paths] == [True, True, True, False]


@pytest.mark.slow
def test_replicas_share_a_refresh_token_that_rotates(
    running_sandbox: RunningProcess, sandbox: SandboxClient, tmp_path: Path
) -> None:
    """The second replica gets an error for the old token, and reads the token that the first one wrote."""
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


def test_neither_logs_nor_errors_contain_buyer_data(
    client: RpcClient, sandbox: SandboxClient, running_services: ServicePool
) -> None:
    """Not even where 1688's error text repeats the request."""
    echo = f"bad buyer {json.dumps(BUYER)} token test-access-token"
    sandbox.inject_fault({"status": 200, "json": {"success": False, "code": BUYER["email"], "message": echo}})
    trace = "0af7651916cd43dd8448eb211c80319c"
    metadata = (("traceparent", f"00-{trace}-00f067aa0ba902b7-01"),)
    with pytest.raises(grpc.RpcError) as failure:
        client.call("RegisterUser", "national-site", {"country_account": BUYER}, metadata=metadata)
    output = str(failure.value.trailing_metadata()) + str(failure.value.details())
    log = running_services["account", "national-site"].log
    wait_until(lambda: trace in log.read_text())
    output += log.read_text()
    for name in ("out_login_name", "email", "mobile", "ip"):
        assert BUYER[name] not in output
    assert "test-access-token" not in output


@pytest.mark.slow
def test_more_calls_than_the_queue_holds_are_rejected(
    start_dedicated: StartDedicated, sandbox: SandboxClient
) -> None:
    """One call is in flight and four wait for it, so that one of six is rejected."""
    settings = {"NATIONALSITE_MAX_UPSTREAM_CALLS": "1"}
    _, client = start_dedicated("product", "national-site", settings)
    sandbox.inject_fault({"hang": True}, times=10)
    search = client.method("SearchByKeyword", "national-site")
    calls = [search.future(client.request("SearchByKeyword", SEARCH), timeout=60) for _ in range(6)]
    wait_until(lambda: any(call.done() for call in calls))
    rejected = next(call for call in calls if call.done())
    for call in calls:
        call.cancel()
    assert parse_reason(rejected) == "OVERLOADED"


def test_every_call_writes_one_log_line(
    client: RpcClient, sandbox: SandboxClient, running_services: ServicePool
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    client.call(
        "GetCategory",
        "open-platform",
        {},
        metadata=(("traceparent", f"00-{trace}-00f067aa0ba902b7-01"),),
    )
    log = running_services["product", "open-platform"].log
    wait_until(lambda: trace in log.read_text())
    lines = [json.loads(line) for line in log.read_text().splitlines() if trace in line]
    assert len(lines) == 1
    assert lines[0]["event"] == "call"
    assert lines[0]["rpc"].endswith("/GetCategory")
    assert lines[0]["status"] == "OK"
    assert lines[0]["upstream_ms"] <= lines[0]["duration_ms"]


def _register(channel: grpc.Channel, member: str = "member-1") -> None:
    request = account_v1.RegisterUserRequest(
        request_id=str(uuid.uuid4()), country_account=BUYER | {"out_member_id": member}
    )
    account_v1.AccountServiceStub(channel).RegisterUser(request, timeout=10)


def _search(channel: grpc.Channel) -> None:
    request = product_v1.SearchByKeywordRequest(keyword="dress")
    product_v1.ProductServiceStub(channel).SearchByKeyword(request, timeout=10)
