"""Timestamps by the gateway's clock, where they are sent."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest

from services.errors import (
    ConnectError,
    DeadlineExceeded,
    NationalsiteError,
    TimestampRejected,
    UpstreamSignature,
)

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

BEIJING = timezone(timedelta(hours=8))
EXPIRED = {"error_code": "400", "error_message": "x.RequestValidateException: Request is expired."}


@pytest.fixture
def clock(peer, response):
    """clock.ahead is how far the peer's clock is ahead."""

    class PeerClock:
        ahead = timedelta(hours=3)

        async def script(self, _received, connection):
            text = (datetime.now(BEIJING) + self.ahead).strftime("%Y%m%d%H%M%S%f")[:17]
            await connection.write(response(body=f"{text}+0800").encode())

        def apart(self, received) -> timedelta:
            sent = datetime.fromtimestamp(int(received.form["_aop_timestamp"]) / 1000, BEIJING)
            return abs(sent - datetime.now(BEIJING) - self.ahead)

    clock = PeerClock()
    peer.on("currentTime", clock.script)
    return clock


async def test_off_by_default(peer, make_gateway, call):
    await call(make_gateway())

    (received,) = peer.received
    assert "_aop_timestamp" not in received.form


async def test_measured_once_and_signed(peer, make_gateway, call, clock):
    gateway = make_gateway(send_timestamp=True)
    for _ in range(3):
        await call(gateway)

    probe, *calls = peer.received
    assert probe.path.endswith("/system/currentTime/1000000")
    assert "_aop_timestamp" not in probe.form
    assert [received.path for received in calls] == [calls[0].path] * 3
    assert all(clock.apart(received) < timedelta(seconds=5) for received in calls)


async def test_one_measurement_for_many(peer, make_gateway, call, clock):
    gateway = make_gateway(send_timestamp=True)

    await asyncio.gather(*(call(gateway) for _ in range(50)))

    assert len(peer.calls("currentTime")) == 1
    assert len(peer.calls("category")) == 50


async def test_expired_is_measured_and_retried_once(peer, make_gateway, call, response, clock):
    gateway = make_gateway(send_timestamp=True)
    await call(gateway)
    clock.ahead = timedelta(hours=-5)
    peer.on("category", response(status=400, body=EXPIRED), response(body={"fine": True}))

    assert (await call(gateway, {"q": "1"})).value == {"fine": True}

    assert len(peer.calls("currentTime")) == 2
    _, rejected, retried = peer.calls("category")
    assert clock.apart(rejected) > timedelta(hours=7)
    assert clock.apart(retried) < timedelta(seconds=5)
    assert retried.form["q"] == "1"


async def test_expired_again_is_final(peer, make_gateway, call, response, clock):
    peer.on("category", response(status=400, body=EXPIRED))

    with pytest.raises(TimestampRejected):
        await call(make_gateway(send_timestamp=True))

    assert len(peer.calls("currentTime")) == 2
    assert len(peer.calls("category")) == 2


async def test_expired_without_a_timestamp_is_not_retried(peer, make_gateway, call, response, clock):
    peer.on("category", response(status=400, body=EXPIRED))

    with pytest.raises(TimestampRejected):
        await call(make_gateway())

    assert len(peer.received) == 1


async def test_one_measurement_for_many_expired(peer, make_gateway, call, response, clock):
    gateway = make_gateway(send_timestamp=True)
    await call(gateway)
    clock.ahead = timedelta(hours=-5)
    all_there = asyncio.Barrier(20)

    async def strict(received, connection):
        if clock.apart(received) > timedelta(minutes=1):
            await all_there.wait()
            await connection.write(response(status=400, body=EXPIRED).encode())
        else:
            await connection.write(response().encode())

    peer.on("category", strict)

    await asyncio.gather(*(call(gateway) for _ in range(20)))

    assert len(peer.calls("currentTime")) == 2
    assert len(peer.calls("category")) == 1 + 20 + 20


async def test_late_expiry_by_an_old_measurement_measures_nothing(
    peer, make_gateway, call, response, clock, wait_until
):
    may_continue = asyncio.Event()

    async def late(_received, connection):
        await may_continue.wait()
        await connection.write(response(status=400, body=EXPIRED).encode())

    peer.on("category", late, response(status=400, body=EXPIRED), response())
    gateway = make_gateway(send_timestamp=True)
    slow = asyncio.create_task(call(gateway))
    await wait_until(lambda: len(peer.calls("category")) == 1)
    clock.ahead = timedelta(hours=-5)
    await call(gateway)
    may_continue.set()
    await slow

    assert len(peer.calls("currentTime")) == 2
    assert clock.apart(peer.received[-1]) < timedelta(seconds=5)


async def test_expired_timestamp_and_rejected_token_in_one_call(
    peer, make_refreshing_gateway, call, response, clock
):
    peer.on("getToken", response(body={"access_token": "one"}), response(body={"access_token": "two"}))
    rejected = response(status=401, body={"error_code": "401"})
    peer.on("category", response(status=400, body=EXPIRED), rejected, response(body={"fine": True}))

    assert (await call(make_refreshing_gateway(send_timestamp=True))).value == {"fine": True}

    assert len(peer.calls("category")) == 3


async def _silent(_received, connection):
    await connection.wait_closed()


async def _hang_up(_received, connection):
    connection.hang_up()


@pytest.mark.parametrize(
    ("probe", "error"),
    [
        ("503", ConnectError),
        ("hangs up", ConnectError),
        ("html", ConnectError),
        ("no time", ConnectError),
        ("13th month", ConnectError),
        ("signature", UpstreamSignature),
        ("silent", DeadlineExceeded),
    ],
)
async def test_no_clock_means_nothing_was_sent(probe, error, peer, make_gateway, call, response):
    scripts = {
        "503": response(status=503, body=b""),
        "hangs up": _hang_up,
        "html": response(body=b"<html>"),
        "no time": response(body={"time": 1}),
        "13th month": response(body="20261310164552223+0800"),
        "signature": response(status=400, body={"error_code": "gw.SignatureInvalid"}),
        "silent": _silent,
    }
    peer.on("currentTime", scripts[probe])

    with pytest.raises(NationalsiteError) as caught:
        await call(make_gateway(send_timestamp=True), timeout_s=5 if probe != "silent" else 0.1)

    assert type(caught.value) is error
    assert not caught.value.may_have_executed
    assert peer.calls("category") == []


async def test_waiting_for_another_callers_measurement_is_bounded(peer, make_gateway, call, wait_until):
    peer.on("currentTime", _silent)
    gateway = make_gateway(send_timestamp=True)
    patient = asyncio.create_task(call(gateway, timeout_s=60))
    await wait_until(lambda: len(peer.received) == 1)

    async with asyncio.timeout(3):
        with pytest.raises(DeadlineExceeded) as caught:
            await call(gateway, timeout_s=0.1)

    assert not caught.value.may_have_executed
    patient.cancel()
    await asyncio.wait([patient])


async def test_cancelled_measurement_is_taken_over(peer, make_gateway, call, clock, wait_until):
    peer.on("currentTime", _silent, clock.script)
    gateway = make_gateway(send_timestamp=True)
    leaving = asyncio.create_task(call(gateway))
    await wait_until(lambda: len(peer.received) == 1)
    staying = asyncio.create_task(call(gateway))
    leaving.cancel()

    assert (await staying).value == {}
    assert leaving.cancelled()
