"""Pushes of messages: retries, failures, and settings."""

import asyncio
import signal
from unittest.mock import ANY

import pytest


async def test_form_of_a_push(client, receiver):
    await client.create_order()
    await receiver.messages(1)
    (push,) = receiver.pushes
    assert push["valid"]
    assert push["content_type"] == "application/x-www-form-urlencoded; charset=UTF-8"
    assert set(push["form"]) == {"message", "_aop_signature"}
    assert push["query"] == {}
    await client.wait_for_pushes(created=1, pushed=1, attempts=1, in_flight=0, queued=0, failed=0)


@pytest.mark.parametrize("status", [200, 204])
async def test_accepted_push(client, receiver, status):
    receiver.responses = [status]
    await client.create_messages("T")
    await client.wait_for_pushes(pushed=1)
    (message,) = await client.messages(state="pushed")
    assert (message["attempts"], message["last_result"]) == (1, status)


@pytest.mark.parametrize("status", [201, 302, 400, 401, 500])
async def test_retried_push(client, receiver, status):
    receiver.responses = [status] * 3
    (message_id,) = await client.create_messages("T")
    await client.wait_for_pushes(pushed=1, attempts=4)
    assert {message["msgId"] for message in await receiver.messages(4)} == {message_id}


async def test_failed_push(client, receiver):
    receiver.responses = [500, 500, 401]
    await client.put("push", max_retries=2)
    (message_id,) = await client.create_messages("T")
    await client.wait_for_pushes(failed=1, pushed=0, attempts=3)
    assert await client.messages(state="failed") == [
        {
            "message_id": message_id,
            "topic": "T",
            "event_time_ms": ANY,
            "state": "failed",
            "attempts": 3,
            "last_result": 401,
        }
    ]


async def test_unreachable_receiver(client, receiver):
    await receiver.stop()
    await client.create_messages("T", times=20)
    await client.wait_for_pushes(failed=20, attempts=80)
    assert {message["last_result"] for message in await client.messages()} == {"ClientConnectorError"}


async def test_receiver_without_a_response(client, receiver):
    receiver.hold = asyncio.Event()
    await client.put("push", timeout_ms=20, max_retries=0)
    await client.create_messages("T")
    await client.wait_for_pushes(failed=1, in_flight=0)
    assert (await client.messages())[0]["last_result"] == "timeout"


async def test_no_callback(client):
    order = await client.create_order("pay")
    await client.wait_for_pushes(created=2, failed=2, attempts=0)
    failed = await client.messages(state="failed")
    assert {message["last_result"] for message in failed} == {"no callback"}
    page = (await client.replay("query.messageList"))["pushMessagePage"]
    assert [row["data"]["orderId"] for row in page["datas"]] == [order["order_id"]] * 2


async def test_removed_callback(client, receiver):
    await client.put("push", paused=True)
    await client.create_messages("T", times=3)
    await client.wait_for_pushes(queued=3, failed=0)
    await client.put("push", callback_url=None)
    await client.wait_for_pushes(queued=0, failed=3)


async def test_bounded_concurrency(client, receiver):
    receiver.hold = asyncio.Event()
    await client.create_messages("T", times=30)
    await receiver.messages(8)
    await client.wait_for_pushes(in_flight=8, queued=22)
    receiver.hold.set()
    assert (await client.wait_for_pushes(pushed=30))["peak_in_flight"] == 8


async def test_bounded_queue(client, receiver):
    await client.put("push", paused=True, max_queued=5)
    ids = await client.create_messages("T", times=8)
    await client.wait_for_pushes(queued=5, failed=3)
    assert [message["message_id"] for message in await client.messages(state="failed")] == ids[5:]
    await client.put("push", paused=False)
    assert {message["msgId"] for message in await receiver.messages(5)} == set(ids[:5])


async def test_duplicate_of_every_message(client, receiver):
    await client.put("push", duplicate_rate=1)
    ids = await client.create_messages("T", times=5)
    assert sorted(message["msgId"] for message in await receiver.messages(10)) == sorted(ids * 2)
    await client.wait_for_pushes(pushed=5, attempts=10, in_flight=0)


async def test_duplicates_of_some_messages(client, receiver):
    await client.put("push", duplicate_rate=0.3)
    await client.create_messages("T", times=200)
    counts = await client.wait_for_pushes(pushed=200, queued=0, in_flight=0)
    assert 220 < counts["attempts"] < 280


async def test_duplicates_do_not_fail_a_message(client, receiver):
    await client.put("push", duplicate_rate=1, max_in_flight=1)
    receiver.responses = [200, 500]
    await client.create_messages("T")
    await client.wait_for_pushes(pushed=1, failed=0, attempts=2, in_flight=0)


async def test_shuffled_pushes(client, receiver):
    await client.put("push", paused=True, shuffle=True, max_in_flight=1)
    ids = await client.create_messages("T", times=30)
    await client.put("push", paused=False)
    await receiver.messages(30)
    pushed = [push["message"]["msgId"] for push in receiver.pushes]
    assert pushed != ids
    assert sorted(pushed) == ids


async def test_delayed_push(client, receiver):
    await client.put("push", delay_ms=60_000)
    await client.create_messages("T")
    await client.wait_for_pushes(queued=1, attempts=0)


@pytest.mark.parametrize(
    ("signing", "valid", "signature"),
    [("valid", True, 40), ("invalid", False, 40), ("missing", False, 0), ("lower_case", False, 40)],
)
async def test_signatures(client, receiver, signing, valid, signature):
    await client.put("push", signature_mode=signing)
    await client.create_messages("T")
    await receiver.messages(1)
    (push,) = receiver.pushes
    assert (push["valid"], len(push["signature"])) == (valid, signature)


async def test_lower_case_signature(client, receiver):
    await client.put("push", signature_mode="lower_case")
    await client.create_messages("T")
    await receiver.messages(1)
    (push,) = receiver.pushes
    signed = client.signed("", {"message": push["form"]["message"]})["_aop_signature"]
    assert push["signature"] == signed.lower() != signed


@pytest.mark.parametrize(("signing", "valid"), [("valid", True), ("message_only", False)])
async def test_extra_parameters(client, receiver, signing, valid):
    url = (await client.admin("push"))["settings"]["callback_url"]
    more = {"extra_query": {"site": "日本"}, "extra_form": {"a b": "c&d=é"}}
    await client.put("push", callback_url=f"{url}?k=a%2Bb", signature_mode=signing, **more)
    await client.create_messages("T")
    await receiver.messages(1)
    (push,) = receiver.pushes
    assert push["query"] == {"k": "a+b", "site": "日本"}
    assert push["form"]["a b"] == "c&d=é"
    assert push["valid"] is valid


@pytest.mark.parametrize(
    "body",
    [
        {"callback_url": "nowhere"},
        {"max_retries": -1},
        {"max_in_flight": 0},
        {"duplicate_rate": "x"},
        {"unknown": 1},
    ],
)
async def test_invalid_settings(client, body):
    before = await client.admin("push")
    assert (await client.http.put("/admin/push", json=body)).status_code == 400
    assert await client.admin("push") == before


async def test_absent_settings_do_not_change(client):
    await client.put("push", max_retries=1, paused=True)
    await client.put("push", retry_interval_ms=7)
    settings = (await client.admin("push"))["settings"]
    assert (settings["max_retries"], settings["paused"], settings["retry_interval_ms"]) == (1, True, 7)


async def _push_again(client, message_id):
    return await client.http.post(f"/admin/messages/{message_id}/push")


async def test_failed_message_is_pushed_again(client, receiver):
    await client.put("push", max_retries=0)
    receiver.responses = [500]
    (message_id,) = await client.create_messages("T", data={"orderId": 2**60 + 1})
    await client.wait_for_pushes(failed=1)
    assert (await _push_again(client, message_id)).status_code == 200
    await client.wait_for_pushes(failed=0, pushed=1)
    message = await client.admin(f"messages/{message_id}")
    assert (message["state"], message["attempts"], message["last_result"]) == ("pushed", 2, 200)
    assert (await client.messages(max_characters=9))[0]["excerpt"] == '{"orderId'
    assert message["message"]["data"] == {"orderId": 2**60 + 1}
    assert (await client.replay("query.messageList", pageSize=20))["pushMessagePage"]["datas"] == []


async def test_push_again_is_retried_and_can_fail(client, receiver):
    await client.put("push", max_retries=0)
    receiver.responses = [500, 500, 500]
    (message_id,) = await client.create_messages("T")
    await client.wait_for_pushes(failed=1)
    await client.put("push", max_retries=1)
    await _push_again(client, message_id)
    await client.wait_for_pushes(failed=1, attempts=3)


async def test_pushed_message_is_pushed_again_as_a_duplicate(client, receiver):
    (message_id,) = await client.create_messages("T", id_as_text=True)
    await client.wait_for_pushes(pushed=1)
    receiver.responses = [500]
    await _push_again(client, message_id)
    await client.wait_for_pushes(attempts=2, in_flight=0)
    message = await client.admin(f"messages/{message_id}")
    assert (message["state"], message["last_result"]) == ("pushed", 500)


async def test_messages_that_cannot_be_pushed_again(client, receiver):
    assert (await _push_again(client, 1)).status_code == 404
    await client.put("push", paused=True)
    (message_id,) = await client.create_messages("T")
    waiting = await _push_again(client, message_id)
    assert (waiting.status_code, waiting.json()) == (409, {"error": "the message is queued already"})
    await client.put("push", callback_url=None)
    without_callback = await _push_again(client, message_id)
    assert (without_callback.status_code, without_callback.json()) == (409, {"error": "no callback"})


@pytest.mark.parametrize("query", [{"state": "lost"}, {"limit": "x"}])
async def test_invalid_queries(client, query):
    assert (await client.http.get("/admin/messages", params=query)).status_code == 400


async def test_reset(client, receiver):
    receiver.hold = asyncio.Event()
    await client.create_messages("T", times=20)
    await receiver.messages(8)
    await client.http.post("/admin/reset")
    counts = await client.wait_for_pushes(created=0, queued=0, failed=0, in_flight=0)
    assert counts["settings"]["callback_url"] is None
    assert await client.messages() == []
    assert len(receiver.pushes) == 8


async def test_thousands_of_messages_are_pushed_quickly(client, receiver):
    await client.create_messages("ORDER_BUYER_VIEW_ORDER_PAY", times=1_000, order_count=50)
    await client.wait_for_pushes(pushed=1_000)
    assert len({message["msgId"] for message in await receiver.messages(1_000)}) == 1_000
    assert all(push["valid"] for push in receiver.pushes)


@pytest.mark.slow
async def test_callback_from_the_environment(start_sandbox, receiver, client, monkeypatch):
    url = (await client.admin("push"))["settings"]["callback_url"]
    monkeypatch.setenv("NATIONALSITE_SANDBOX_CALLBACK_URL", url)
    receiver.hold = asyncio.Event()
    with start_sandbox("127.0.0.1:0") as process:
        other = (await asyncio.to_thread(process.stdout.readline)).split()[-1]
        await client.http.post(f"{other}/admin/reset")
        await client.http.post(f"{other}/admin/orders")
        await receiver.messages(1)
        # A push without a response must not delay the shutdown.
        process.send_signal(signal.SIGTERM)
        out, error = await asyncio.to_thread(process.communicate, timeout=10)
    assert (process.returncode, out, error) == (0, "", "")
