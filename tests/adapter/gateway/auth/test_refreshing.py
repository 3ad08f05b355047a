"""Access tokens: fetched once, refreshed ahead of time, replaced where 1688 rejects them."""

import asyncio
import json
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from prometheus_client import REGISTRY

from services.adapter.gateway import Policies, RefreshToken
from services.adapter.gateway.auth.refreshing import (
    CLOSE_TIMEOUT_S,
    FAILURE_PAUSE_S,
    MAX_ATTEMPTS,
    MAX_RETRY_PAUSE_S,
    REFRESH_AT,
    REFRESH_TIMEOUT_S,
    RETRY_PAUSE_S,
)
from services.adapter.gateway.client import DEFAULT_TOKEN_LIFE_S
from services.adapter.gateway.metrics import _refresh_token_days_left
from services.errors import (
    AccessTokenRejected,
    CircuitOpen,
    ConnectError,
    CredentialRejected,
    DeadlineExceeded,
    UpstreamError,
    UpstreamQuota,
    UpstreamRate,
)
from tests.adapter.gateway.conftest import PeerResponse
from tests.support.sample_cases import SAMPLES

TOKEN_CASES = {
    path.stem: json.loads(path.read_text()) for path in sorted((SAMPLES / "get_token").glob("*.json"))
}
"""Failed responses of getToken, and the error of the call that needed the token."""
TOKEN_PAGES = [
    name for name, case in TOKEN_CASES.items() if case["expected"]["reason"].endswith("UPSTREAM_UNAVAILABLE")
]
"""Those that are not 1688's own words."""

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

UNAUTHORIZED = {"error_code": "401", "error_message": "Request need user authorized"}
INVALID_GRANT = {"error": "invalid_grant", "error_description": "refresh token is invalid"}


def token_reply(token, expires_in="36000", **members):
    return {"access_token": token, "expires_in": expires_in, **members}


@pytest.fixture
def set_token_responses(peer, response):
    """set_token_responses(body, ...) sets the responses of getToken, in order."""

    def set_up(*bodies):
        peer.on("getToken", *(response(body=body) for body in bodies))

    return set_up


@pytest.fixture
def sent_tokens(peer):
    """sent_tokens() are the access tokens that operations were called with."""
    return lambda: [received.form["access_token"] for received in peer.calls("param2")]


@pytest.fixture
def sent_refresh_tokens(peer):
    """sent_refresh_tokens() are the refresh tokens that getToken was called with."""
    return lambda: [received.form["refresh_token"] for received in peer.calls("getToken")]


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "refresh-token"
    path.write_text("test-refresh-token\n")
    path.chmod(0o640)
    return path


async def test_static_token_is_used(peer, make_gateway, call, sent_tokens):
    gateway = make_gateway()
    await call(gateway)
    await call(gateway)

    assert sent_tokens() == ["test-access-token"] * 2


async def test_rejected_static_token_is_final(peer, make_gateway, call, response):
    peer.on("param2", response(status=401, body={**UNAUTHORIZED, "request_id": "0a1b"}))

    with pytest.raises(CredentialRejected) as caught:
        await call(make_gateway())

    assert (caught.value.code, caught.value.upstream_request_id) == ("401", "0a1b")
    assert len(peer.received) == 1


async def test_token_request(peer, make_refreshing_gateway, call, response, samples):
    body = (samples / "responses" / "get_token.open_platform.ok.json").read_bytes()
    peer.on("getToken", response(body=body))

    await call(make_refreshing_gateway())

    received = peer.received[0]
    assert (received.method, received.target) == (
        "POST",
        "/openapi/http/1/system.oauth2/getToken/1000000",
    )
    assert received.form == {
        "grant_type": "refresh_token",
        "client_id": "1000000",
        "client_secret": "test-app-secret",
        "refresh_token": "test-refresh-token",
    }
    assert peer.received[1].form["access_token"] == "00000000-0000-4000-8000-000000000001"


async def test_fetched_by_the_first_call_only(
    peer, make_refreshing_gateway, call, set_token_responses, sent_tokens
):
    set_token_responses(token_reply("one"))
    gateway = make_refreshing_gateway()
    assert peer.received == []
    for _ in range(3):
        await call(gateway)

    assert len(peer.calls("getToken")) == 1
    assert sent_tokens() == ["one"] * 3


async def test_anonymous_call_fetches_no_token(peer, make_refreshing_gateway, call):
    await call(make_refreshing_gateway(), anonymous=True)

    assert peer.calls("getToken") == []


async def test_one_fetch_for_many_callers(
    peer, make_refreshing_gateway, call, set_token_responses, sent_tokens
):
    set_token_responses(token_reply("one"))
    gateway = make_refreshing_gateway()

    await asyncio.gather(*(call(gateway) for _ in range(50)))

    assert len(peer.calls("getToken")) == 1
    assert sent_tokens() == ["one"] * 50


@pytest.mark.parametrize(
    ("expires_in", "expires_in_s"),
    [
        ("36000", 36_000),
        (36000, 36_000),
        ("1296000", 1_296_000),
        (None, DEFAULT_TOKEN_LIFE_S),
        ("", DEFAULT_TOKEN_LIFE_S),
        ("soon", DEFAULT_TOKEN_LIFE_S),
        (-1, DEFAULT_TOKEN_LIFE_S),
        ([], DEFAULT_TOKEN_LIFE_S),
        ("9" * 12, DEFAULT_TOKEN_LIFE_S),
    ],
)
async def test_refreshed_ahead_of_time(
    expires_in,
    expires_in_s,
    peer,
    make_refreshing_gateway,
    call,
    set_token_responses,
    sent_tokens,
    advance_time,
    wait_until,
):
    set_token_responses(token_reply("one", expires_in), token_reply("two", expires_in))
    gateway = make_refreshing_gateway()
    await call(gateway)
    advance_time(expires_in_s * REFRESH_AT - 2)
    await call(gateway)
    assert len(peer.calls("getToken")) == 1

    advance_time(2)
    await call(gateway)
    assert sent_tokens() == ["one"] * 3, "the old one is good while the new one comes"

    await wait_until(lambda: len(peer.calls("getToken")) == 2)

    async def second() -> bool:
        await call(gateway)
        return sent_tokens()[-1] == "two"

    async with asyncio.timeout(5):
        while not await second():
            pass
    assert len(peer.calls("getToken")) == 2


@pytest.mark.parametrize(
    ("expires_at", "days"),
    [
        ("{:%Y%m%d%H%M%S}000+0000", 10),
        ("{:%Y%m%d%H%M%S}+0000", 10),
        ("soon", None),
        ("99999999999999000+0800", None),
        (None, None),
    ],
)
async def test_age_and_expiry_of_the_tokens_are_metrics(
    expires_at, days, make_refreshing_gateway, call, set_token_responses
):
    end = datetime.now(UTC) + timedelta(days=10)
    set_token_responses(token_reply("one", refresh_token_timeout=expires_at and expires_at.format(end)))
    _refresh_token_days_left.set_function(lambda: -1)
    await call(make_refreshing_gateway())
    assert 0 <= REGISTRY.get_sample_value("nationalsite_token_age_seconds") < 5
    left = REGISTRY.get_sample_value("nationalsite_refresh_token_days_left")
    assert left == (pytest.approx(days, abs=0.01) if days else -1)


async def test_default_life_is_ten_hours(
    peer, make_refreshing_gateway, call, response, advance_time, sent_tokens, wait_until
):
    peer.on("getToken", response(body={"access_token": "one"}), response(body={"access_token": "two"}))
    gateway = make_refreshing_gateway()
    await call(gateway)
    advance_time(35_998)
    await call(gateway)
    assert sent_tokens() == ["one", "one"]
    await wait_until(lambda: len(peer.calls("getToken")) == 2)


async def test_expired_token_is_not_used(
    peer, make_refreshing_gateway, call, set_token_responses, sent_tokens, advance_time
):
    set_token_responses(token_reply("one", 60), token_reply("two", 60))
    gateway = make_refreshing_gateway()
    await call(gateway)
    advance_time(61)
    await call(gateway)

    assert sent_tokens() == ["one", "two"]


async def test_failed_early_refresh_keeps_the_token(
    peer, make_refreshing_gateway, call, response, sent_tokens, advance_time, wait_until
):
    peer.on(
        "getToken",
        response(body=token_reply("one", 100)),
        response(status=503, body=b""),
        response(body=token_reply("two")),
    )
    gateway = make_refreshing_gateway()
    await call(gateway)
    advance_time(85)
    with structlog.testing.capture_logs() as logs:
        await call(gateway)
        await wait_until(lambda: any(line["event"] == "token_refresh_failed" for line in logs))
    await call(gateway)
    assert len(peer.calls("getToken")) == 2, "after a failure there is a pause"

    advance_time(FAILURE_PAUSE_S)
    await call(gateway)
    await wait_until(lambda: len(peer.calls("getToken")) == 3)
    assert sent_tokens() == ["one"] * 4


async def test_rejected_token_is_refreshed_and_the_call_retried(
    peer, make_refreshing_gateway, call, response, set_token_responses, sent_tokens
):
    set_token_responses(token_reply("one"), token_reply("two"))
    peer.on("param2", response(status=401, body=UNAUTHORIZED), response(body={"fine": True}))
    gateway = make_refreshing_gateway()

    assert (await call(gateway, {"q": "1"})).value == {"fine": True}

    assert sent_tokens() == ["one", "two"]
    assert len(peer.calls("getToken")) == 2
    first, second = peer.calls("param2")
    assert first.form["_aop_signature"] != second.form["_aop_signature"]
    assert second.form["q"] == "1"


async def test_second_rejection_is_final(
    peer, make_refreshing_gateway, call, response, set_token_responses, sent_tokens
):
    set_token_responses(token_reply("one"), token_reply("two"), token_reply("three"))
    peer.on("param2", response(status=401, body=UNAUTHORIZED))

    with pytest.raises(AccessTokenRejected):
        await call(make_refreshing_gateway())

    assert sent_tokens() == ["one", "two"]
    assert len(peer.calls("getToken")) == 2


async def test_missing_token_is_not_refreshed(
    peer, make_refreshing_gateway, call, response, set_token_responses
):
    set_token_responses(token_reply("one"))
    body = {"error_code": "401", "error_message": "Request need user authenticated"}
    peer.on("param2", response(status=401, body=body))

    with pytest.raises(CredentialRejected):
        await call(make_refreshing_gateway())

    assert len(peer.received) == 2


async def test_one_refresh_for_many_rejections(
    peer, make_refreshing_gateway, call, set_token_responses, sent_tokens
):
    set_token_responses(token_reply("one"), token_reply("two"), token_reply("three"))
    all_there = asyncio.Barrier(50)

    async def only_two(received, connection):
        if received.form["access_token"] == "one":
            await all_there.wait()
            body = b'{"error_code":"401"}'
        else:
            body = b"[]"
        await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    peer.on("param2", only_two)
    gateway = make_refreshing_gateway()

    await asyncio.gather(*(call(gateway) for _ in range(50)))

    assert len(peer.calls("getToken")) == 2
    assert sorted(sent_tokens()) == ["one"] * 50 + ["two"] * 50


async def test_late_rejection_of_an_old_token_refreshes_nothing(
    peer, make_refreshing_gateway, call, response, set_token_responses, sent_tokens, wait_until
):
    set_token_responses(token_reply("one"), token_reply("two"), token_reply("three"))
    may_continue = asyncio.Event()

    async def late(_received, connection):
        await may_continue.wait()
        await connection.write(response(status=401, body=UNAUTHORIZED).encode())

    peer.on("param2", late, response(status=401, body=UNAUTHORIZED), response())
    gateway = make_refreshing_gateway()
    slow = asyncio.create_task(call(gateway))
    await wait_until(lambda: sent_tokens() == ["one"])
    await call(gateway)
    may_continue.set()
    await slow

    assert sent_tokens() == ["one", "one", "two", "two"]
    assert len(peer.calls("getToken")) == 2


async def test_rejected_token_is_not_used_again(peer, make_refreshing_gateway, call, response, sent_tokens):
    peer.on("getToken", response(body=token_reply("one")), response(status=503, body=b""))
    peer.on("param2", response(status=401, body=UNAUTHORIZED))
    gateway = make_refreshing_gateway()

    for _ in range(3):
        with pytest.raises(ConnectError):
            await call(gateway)

    assert sent_tokens() == ["one"]


async def test_refresh_token_stays_where_1688_returns_none(
    peer, make_refreshing_gateway, call, response, samples, advance_time, sent_refresh_tokens, token_file
):
    body = (samples / "responses" / "get_token.open_platform.refresh.json").read_bytes()
    peer.on("getToken", response(body=body))
    gateway = make_refreshing_gateway(token_file)
    await call(gateway)
    advance_time(36_001)
    await call(gateway)

    assert sent_refresh_tokens() == ["test-refresh-token"] * 2
    assert token_file.read_text() == "test-refresh-token\n"


async def test_rotated_refresh_token_is_stored(
    make_refreshing_gateway, call, set_token_responses, advance_time, sent_refresh_tokens, token_file
):
    inode = token_file.stat().st_ino
    set_token_responses(token_reply("one", refresh_token="rotated"), token_reply("two"))
    gateway = make_refreshing_gateway(token_file)
    await call(gateway)
    advance_time(36_001)
    await call(gateway)

    assert sent_refresh_tokens() == ["test-refresh-token", "rotated"]
    assert token_file.read_text() == "rotated\n"
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o640
    assert token_file.stat().st_ino != inode, "replaced atomically"
    assert os.listdir(token_file.parent) == [token_file.name]


async def test_rotated_refresh_token_without_a_file(
    make_refreshing_gateway, call, set_token_responses, advance_time, sent_refresh_tokens
):
    set_token_responses(token_reply("one", refresh_token="rotated"), token_reply("two"))
    gateway = make_refreshing_gateway()
    with structlog.testing.capture_logs() as logs:
        await call(gateway)
    advance_time(36_001)
    await call(gateway)

    assert sent_refresh_tokens() == ["test-refresh-token", "rotated"]
    assert [line["log_level"] for line in logs if line["event"] == "refresh_token_rotated"] == ["warning"]
    assert "rotated'" not in str([{**line, "event": ""} for line in logs]), "no secret in the log"


@pytest.mark.parametrize("obstacle", ["no directory", "no file", "in the middle"])
async def test_rotated_refresh_token_that_cannot_be_written(
    obstacle,
    make_refreshing_gateway,
    call,
    set_token_responses,
    advance_time,
    sent_refresh_tokens,
    token_file,
    monkeypatch,
):
    path = token_file.parent / "none" / "file" if obstacle == "no directory" else token_file
    if obstacle == "no file":
        token_file.unlink()
    if obstacle == "in the middle":
        monkeypatch.setattr(os, "fsync", _disk_full)
    set_token_responses(token_reply("one", refresh_token="rotated"), token_reply("two"))
    gateway = make_refreshing_gateway(path)
    with structlog.testing.capture_logs() as logs:
        await call(gateway)
    advance_time(36_001)
    await call(gateway)

    assert sent_refresh_tokens() == ["test-refresh-token", "rotated"]
    (line,) = [line for line in logs if line["event"] == "refresh_token_not_written"]
    assert (line["log_level"], line["path"]) == ("error", str(path))
    assert "rotated" not in str({**line, "path": ""}).replace("refresh_token_not_written", "")
    left = [] if obstacle == "no file" else [token_file.name]
    assert os.listdir(token_file.parent) == left, "no temporary file is left"
    if left:
        assert token_file.read_text() == "test-refresh-token\n"


def _disk_full(_descriptor):
    raise OSError(28, "No space left on device")


async def test_file_is_read_again_when_1688_rejects_the_token(
    peer, make_refreshing_gateway, call, response, sent_refresh_tokens, token_file
):
    peer.on("getToken", response(status=400, body=INVALID_GRANT), response(body=token_reply("one")))
    gateway = make_refreshing_gateway(token_file)
    token_file.write_text("put-by-another-process\n")

    await call(gateway)

    assert sent_refresh_tokens() == ["test-refresh-token", "put-by-another-process"]


@pytest.mark.parametrize("content", [b"test-refresh-token\n", b"\n", b"\xff\xfe\x00", None])
async def test_file_without_a_new_token(
    content, peer, make_refreshing_gateway, call, response, sent_refresh_tokens, token_file
):
    peer.on("getToken", response(status=400, body=INVALID_GRANT))
    gateway = make_refreshing_gateway(token_file)
    if content is None:
        token_file.unlink()
    else:
        token_file.write_bytes(content)

    with pytest.raises(CredentialRejected) as caught:
        await call(gateway)

    assert caught.value.upstream_message == "invalid_grant refresh token is invalid"
    assert sent_refresh_tokens() == ["test-refresh-token"]


async def test_rejected_refresh_token_is_not_sent_for_each_call(
    peer, make_refreshing_gateway, call, response, advance_time
):
    body = {"error_code": "gw.AppKeyNotFound", "error_message": "AppKey not found"}
    peer.on("getToken", response(status=400, body=body, headers={"RequestId": "0a1b"}))
    gateway = make_refreshing_gateway()

    outcomes = await asyncio.gather(*(call(gateway) for _ in range(50)), return_exceptions=True)
    with pytest.raises(CredentialRejected):
        await call(gateway)

    assert {(type(error), error.code, error.upstream_request_id) for error in outcomes} == {
        (CredentialRejected, "gw.AppKeyNotFound", "0a1b")
    }
    assert len(set(map(id, outcomes))) == 50, "callers modify their errors, so each needs its own"
    assert len(peer.received) == 1
    advance_time(FAILURE_PAUSE_S)
    with pytest.raises(CredentialRejected):
        await call(gateway)
    assert len(peer.received) == 2


@pytest.mark.parametrize(
    ("code", "error"),
    [("gw.QosAppFrequencyLimit", UpstreamRate), ("gw.NoUsageLeftError", UpstreamQuota)],
)
async def test_rate_and_quota_errors_stay(code, error, peer, make_refreshing_gateway, call, response):
    peer.on("getToken", response(status=400, body={"error_code": code}))
    gateway = make_refreshing_gateway()

    for _ in range(2):
        with pytest.raises(error) as caught:
            await call(gateway)
        caught.value.upstream_message = "written on by its caller"
    assert str(caught.value.__cause__) == str(caught.value)
    assert caught.value.__cause__.upstream_message == ""


def encode(case):
    """Return a sample of getToken as a response."""
    content_type = case["content_type"]
    body = case["body"] if "body" in case else json.dumps(case["json"])
    charset = content_type.partition("charset=")[2]
    return PeerResponse(
        status=case["http_status"], body=body.encode(charset), headers={"Content-Type": content_type}
    )


@pytest.mark.parametrize("name", TOKEN_CASES)
async def test_sample_of_a_failed_get_token(name, peer, make_refreshing_gateway, call):
    case = TOKEN_CASES[name]
    peer.on("getToken", encode(case))

    with pytest.raises(UpstreamError) as caught:
        await call(make_refreshing_gateway(), idempotent=True)

    error, expected = caught.value, case["expected"]
    assert (f"ERROR_REASON_{error.reason}", error.code, error.upstream_message) == (
        expected["reason"],
        expected.get("code", ""),
        expected.get("message", ""),
    )
    assert not error.may_have_executed
    assert len(peer.calls("getToken")) == (MAX_ATTEMPTS if name in TOKEN_PAGES else 1)
    assert peer.calls("param2") == []


@pytest.mark.parametrize("name", TOKEN_PAGES)
async def test_call_asks_for_a_token_again_after_a_page_of_a_proxy(
    name, peer, make_refreshing_gateway, call, response, sent_tokens
):
    """Then the call is sent once: a write too, since nothing was sent before."""
    for idempotent in (True, False):
        peer.received.clear()
        peer.on("getToken", encode(TOKEN_CASES[name]), response(body=token_reply("one")))
        await call(make_refreshing_gateway(), idempotent=idempotent)

        assert len(peer.calls("getToken")) == 2
        assert sent_tokens() == ["one"]


async def test_page_of_a_proxy_does_not_reject_a_new_token(
    peer, make_refreshing_gateway, call, response, sent_tokens
):
    """A call whose access token 1688 rejects needs a new one, and a proxy is in the way."""
    proxy_page = response(status=403, body=b"<html>")
    peer.on("getToken", response(body=token_reply("one")), proxy_page, response(body=token_reply("two")))
    peer.on("param2", response(status=401, body=UNAUTHORIZED), response())

    await call(make_refreshing_gateway())

    assert sent_tokens() == ["one", "two"]


async def test_many_calls_share_the_retries(peer, make_refreshing_gateway, call, response, sent_tokens):
    """Their number is no factor: neither of requests for the token, nor of calls that fail."""
    failures = [response(status=403, body=b"<html>"), response(status=502, body=b"")]
    peer.on("getToken", *failures, response(body=token_reply("one")))
    gateway = make_refreshing_gateway(policies=Policies())

    await asyncio.gather(*(call(gateway, idempotent=True, timeout_s=60) for _ in range(50)))

    assert len(peer.calls("getToken")) == 3
    assert sent_tokens() == ["one"] * 50


async def test_pauses_between_failed_refreshes(
    peer, make_refreshing_gateway, call, response, advance_time, wait_until
):
    """However many calls there are, getToken gets one request for each pause."""
    peer.on("getToken", response(status=503, body=b""))
    pauses = []

    def longest(shortest_s, longest_s):
        pauses.append((shortest_s, longest_s))
        return longest_s

    gateway = make_refreshing_gateway(uniform=longest)
    expected = [RETRY_PAUSE_S, 2 * RETRY_PAUSE_S, 4 * RETRY_PAUSE_S, *[MAX_RETRY_PAUSE_S] * 17]
    waiting: set[asyncio.Task] = set()
    for count, pause_s in enumerate(expected, start=1):
        waiting |= {asyncio.create_task(call(gateway, timeout_s=60)) for _ in range(20)}
        await wait_until(lambda count=count: len(pauses) == count)
        advance_time(pause_s)
    done, _ = await asyncio.wait(waiting)

    assert {type(task.exception()) for task in done} == {CircuitOpen}
    assert pauses[: len(expected)] == [(pause_s / 2, pause_s) for pause_s in expected]
    assert len(peer.calls("getToken")) <= len(expected) + MAX_ATTEMPTS


async def test_no_pause_that_outlasts_the_deadline(peer, make_refreshing_gateway, call, response):
    peer.on("getToken", response(status=403, body=b""))
    gateway = make_refreshing_gateway(uniform=lambda _shortest, _longest: 60.0)

    for _ in range(2):
        with pytest.raises(CircuitOpen):
            await call(gateway, timeout_s=30)
    assert len(peer.calls("getToken")) == 1


async def test_a_call_during_the_pause_waits_for_the_next_refresh(
    peer, make_refreshing_gateway, call, response, advance_time, wait_until, sent_tokens
):
    peer.on("getToken", response(status=403, body=b""), response(body=token_reply("one")))
    gateway = make_refreshing_gateway(uniform=lambda _shortest, _longest: 60.0)
    with pytest.raises(CircuitOpen):
        await call(gateway, timeout_s=30)

    waiting = asyncio.create_task(call(gateway, timeout_s=120))
    await asyncio.sleep(0)
    advance_time(60)
    await waiting
    assert sent_tokens() == ["one"]


async def _hang_up(_received, connection):
    connection.hang_up()


async def test_lost_connection_of_get_token(peer, make_refreshing_gateway, call, response, sent_tokens):
    peer.on("getToken", _hang_up)
    with pytest.raises(UpstreamError) as caught:
        await call(make_refreshing_gateway())
    assert type(caught.value) is CircuitOpen
    assert not caught.value.may_have_executed
    assert peer.calls("param2") == []

    peer.on("getToken", _hang_up, response(body=token_reply("one")))
    await call(make_refreshing_gateway())
    assert sent_tokens() == ["one"]


async def _silent(_received, connection):
    await connection.wait_closed()


async def test_get_token_without_a_response(peer, make_refreshing_gateway, call, advance_time, wait_until):
    peer.on("getToken", _silent)
    gateway = make_refreshing_gateway()
    waiting = asyncio.create_task(call(gateway, timeout_s=2 * REFRESH_TIMEOUT_S))
    await wait_until(lambda: len(peer.received) == 1)
    advance_time(REFRESH_TIMEOUT_S)

    await wait_until(lambda: len(peer.received) == 2)
    advance_time(REFRESH_TIMEOUT_S)

    with pytest.raises(DeadlineExceeded) as caught:
        await waiting
    assert not caught.value.may_have_executed


async def test_deadline_passes_while_a_token_is_fetched(peer, make_refreshing_gateway, call, response):
    may_continue = asyncio.Event()

    async def late(_received, connection):
        await may_continue.wait()
        await connection.write(response(body=token_reply("one")).encode())

    peer.on("getToken", late)
    gateway = make_refreshing_gateway()
    with pytest.raises(DeadlineExceeded) as caught:
        await call(gateway, timeout_s=0.05)
    assert not caught.value.may_have_executed

    may_continue.set()
    await call(gateway)
    assert len(peer.calls("getToken")) == 1, "the refresh continued without its caller"


async def test_cancelled_caller_does_not_cancel_the_refresh(
    peer, make_refreshing_gateway, call, response, wait_until, sent_tokens
):
    may_continue = asyncio.Event()

    async def late(_received, connection):
        await may_continue.wait()
        await connection.write(response(body=token_reply("one")).encode())

    peer.on("getToken", late)
    gateway = make_refreshing_gateway()
    cancelled, other = (asyncio.create_task(call(gateway)) for _ in range(2))
    await wait_until(lambda: len(peer.received) == 1)
    cancelled.cancel()
    await asyncio.wait([cancelled])
    may_continue.set()
    await other

    assert cancelled.cancelled()
    assert len(peer.calls("getToken")) == 1
    assert sent_tokens() == ["one"]


async def test_closing_waits_for_a_rotated_token(
    peer, make_refreshing_gateway, call, response, token_file, wait_until
):
    may_continue = asyncio.Event()

    async def late(_received, connection):
        await may_continue.wait()
        await connection.write(response(body=token_reply("one", refresh_token="rotated")).encode())

    peer.on("getToken", late)
    gateway = make_refreshing_gateway(token_file)
    cancelled = asyncio.create_task(call(gateway))
    await wait_until(lambda: len(peer.received) == 1)
    cancelled.cancel()
    closing = asyncio.create_task(gateway.close())
    may_continue.set()
    await closing

    assert token_file.read_text() == "rotated\n"


async def test_closing_waits_a_limited_time(peer, make_refreshing_gateway, call, advance_time, wait_until):
    peer.on("getToken", _silent)
    gateway = make_refreshing_gateway()
    cancelled = asyncio.create_task(call(gateway))
    await wait_until(lambda: len(peer.received) == 1)
    cancelled.cancel()
    closing = asyncio.create_task(gateway.close())
    await asyncio.sleep(0)
    advance_time(CLOSE_TIMEOUT_S)

    async with asyncio.timeout(1):
        await closing


async def test_closing_unused(make_refreshing_gateway):
    await make_refreshing_gateway().close()


async def test_reread_returns_whether_the_token_is_new(token_file):
    refresh_token = RefreshToken("test-refresh-token", token_file)
    assert not refresh_token.reread()
    token_file.write_text("  other \n")
    assert refresh_token.reread()
    assert refresh_token.token == "other"
    assert not RefreshToken("x").reread()
