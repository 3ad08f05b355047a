"""The operations that replay failed messages."""

import json
import time

import pytest

PAY = "ORDER_BUYER_VIEW_ORDER_PAY"
DAY_MS = 24 * 3600 * 1000
EVENT_TIME_MS = 1_788_399_000_000
"""2026-09-03 09:30:00 in Beijing."""


async def page(client, **arguments):
    return (await client.replay("query.messageList", **arguments))["pushMessagePage"]


async def ids(client, **arguments):
    return [row["msgId"] for row in (await page(client, **arguments))["datas"]]


async def test_query(client, sample, assert_like):
    assert await client.replay("query.messageList") == sample("push_query_message_list.open_platform.empty")
    (message_id,) = await client.create_messages(PAY)
    response = await client.replay("query.messageList")
    recorded = sample("push_query_message_list.open_platform.ok")
    assert_like([response], recorded)
    (row,), (recorded_row,) = response["pushMessagePage"]["datas"], recorded["pushMessagePage"]["datas"]
    assert row["msgId"] == message_id
    for name in ("topicGroup", "topicName", "type", "userInfo", "appKey"):
        assert row[name] == recorded_row[name]
    assert await client.replay("query.messageList") == response


async def test_cursor(client, sample, assert_like):
    created_ids = await client.create_messages(PAY, times=45)
    response = await client.replay("cursor.messageList")
    assert_like([response], sample("push_cursor_message_list.open_platform.ok"))
    assert [row["msgId"] for row in response["pushMessageList"]] == created_ids[:20]
    rest = await client.replay("cursor.messageList", quantity=200)
    assert [row["msgId"] for row in rest["pushMessageList"]] == created_ids[20:]
    empty = sample("push_cursor_message_list.open_platform.empty")
    assert await client.replay("cursor.messageList") == empty
    assert (await client.admin("push"))["confirmed"] == 45


async def test_confirmed_messages_leave_the_pages(client, sample):
    created_ids = await client.create_messages(PAY, times=50)
    assert await ids(client, page=2) == created_ids[20:40]
    confirmed = await client.replay("message.confirm", msgIdList=created_ids[:20])
    assert confirmed == sample("push_message_confirm.open_platform.ok")
    assert await ids(client, page=2) == created_ids[40:]
    assert await ids(client) == created_ids[20:40]
    assert (await page(client, page=9)) == {"datas": [], "totalCount": 30}
    again = await client.replay("message.confirm", msgIdList=[*created_ids[:20], 7])
    assert again == confirmed
    assert len(await client.messages(state="confirmed")) == 20


async def test_ids_as_text(client):
    (message_id,) = await client.create_messages(PAY, id_as_text=True)
    assert await ids(client) == [message_id]
    await client.replay("message.confirm", msgIdList=[int(message_id)])
    assert await ids(client) == []


async def test_page_sizes(client):
    created_ids = await client.create_messages(PAY, times=250)
    assert await ids(client, pageSize=200) == created_ids[:200]
    assert await ids(client, pageSize=200, page=2) == created_ids[200:]
    assert await ids(client, pageSize=21, page=2) == created_ids[21:42]


async def test_filters(client):
    now = await client.create_messages(PAY)
    other = await client.create_messages("LOGISTICS_MAIL_NO_CHANGE", user_info="b2b-7")
    assert await ids(client, type=PAY) == now
    assert await ids(client, userInfo="b2b-7") == other
    assert await ids(client, type=PAY, userInfo="b2b-7") == []
    assert await ids(client, createStartTime="20200101000000000+0800") == now + other
    assert await ids(client, createEndTime="20200101000000000+0800") == []


async def test_times_have_milliseconds_and_zones(client):
    now_ms = time.time_ns() // 1_000_000
    await client.put("clock", offset_ms=EVENT_TIME_MS - now_ms)
    created_ids = await client.create_messages(PAY, event_time_ms=EVENT_TIME_MS + 1)
    assert await ids(client, createStartTime="20260903093000001+0800") == created_ids
    assert await ids(client, createStartTime="20260903093000002+0800") == []
    assert await ids(client, createEndTime="20260903013000001+0000") == created_ids
    assert await ids(client, createEndTime="20260903093000000+0800") == []


async def test_messages_expire_after_seven_days(client):
    created_ids = await client.create_messages(PAY, times=3)
    await client.put("clock", offset_ms=7 * DAY_MS - 60_000)
    assert await ids(client) == created_ids
    await client.put("clock", offset_ms=7 * DAY_MS + 60_000)
    assert await ids(client) == []
    assert (await client.admin("push"))["expired"] == 3
    assert len(await client.messages(state="expired")) == 3


async def test_pushed_messages_are_not_replayed(client, receiver):
    receiver.responses = [500] * 4
    await client.put("push", max_in_flight=1)
    first = await client.create_messages(PAY)
    await client.wait_for_pushes(failed=1)
    await client.create_messages(PAY)
    await client.wait_for_pushes(pushed=1)
    assert await ids(client) == first


@pytest.mark.parametrize(
    ("name", "arguments", "invalid_name"),
    [
        ("query.messageList", {"pageSize": 19}, "pageSize"),
        ("query.messageList", {"pageSize": 201}, "pageSize"),
        ("query.messageList", {"page": 0}, "page"),
        ("query.messageList", {"page": "x"}, "page"),
        ("query.messageList", {"createStartTime": "2026-09-01 00:00:00"}, "createStartTime"),
        ("query.messageList", {"createEndTime": "20261301000000000+0800"}, "createEndTime"),
        ("cursor.messageList", {"quantity": 10}, "quantity"),
        ("message.confirm", {"msgIdList": "68891027,68891028"}, "msgIdList"),
        ("message.confirm", {"msgIdList": ["x"]}, "msgIdList"),
    ],
)
async def test_invalid_arguments(client, name, arguments, invalid_name):
    assert (await client.replay(name, **arguments))["errorCode"] == "500_1"
    (call,) = await client.calls()
    assert call["invalid_argument"].startswith(invalid_name)


async def test_confirm_needs_ids(client):
    assert (await client.replay("message.confirm"))["error_code"] == "gw.ParamMissing"


async def test_signed_without_a_token(client):
    path = "/openapi/param2/1/cn.alibaba.open/push.query.messageList/1000000"
    assert (await client.http.post(path)).json()["error_code"] == "gw.SignatureMissing"


@pytest.mark.parametrize(
    "name", ["push_query_message_list", "push_cursor_message_list", "push_message_confirm"]
)
async def test_recorded_requests(client, sample, name):
    recorded = sample(f"{name}.open_platform.req", "requests")
    response = await client.http.post(recorded["url_path"], data=recorded["form"])
    assert response.status_code == 200, json.dumps(response.json())
