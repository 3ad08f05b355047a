"""The form that 1688 pushes a message in: what is read of it, and what is none though it is signed."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request
import uuid
from urllib.parse import quote, quote_plus

import grpc
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tools.local_stack import SANDBOX_APP, RunningProcess

WITHIN_S = 20


@pytest.fixture
def order_sync(running) -> RunningProcess:
    return running["order_sync", "national-site"]


@pytest.fixture
def text() -> str:
    """A message with a buyer's words: Chinese, an emoji, and what means something in a form."""
    told = {
        "msgId": uuid.uuid4().int % 10**15,
        "type": "NEW_TOPIC",
        "data": {"words": "红色 连衣裙 👗 a+b=c&d 100%"},
    }
    return json.dumps(told, ensure_ascii=False)


def push(running: RunningProcess, body: bytes) -> int:
    request = urllib.request.Request(running.callback, data=body)
    try:
        with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def signed(*parameters: tuple[str, str], quoted=quote_plus) -> bytes:
    told = "".join(sorted(name + value for name, value in parameters))
    signature = hmac.new(
        SANDBOX_APP["NATIONALSITE_APP_SECRET"].encode(), told.encode(), hashlib.sha1
    ).hexdigest()
    pairs = (*parameters, ("_aop_signature", signature.upper()))
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in pairs).encode()


def stored(running: RunningProcess, subscription: str) -> list[str]:
    with grpc.insecure_channel(running.address) as channel:
        request = protos.PullMessagesRequest(subscription=subscription, wait={})
        return [
            one.raw_json
            for one in OrderSyncServiceStub(channel).PullMessages(request, timeout=WITHIN_S).messages
        ]


@pytest.mark.parametrize(
    "quoted",
    [
        quote_plus,
        quote,
        # As they are: what only separates parameters is escaped.
        lambda text: text.replace("%", "%25").replace("&", "%26").replace("+", "%2B").replace("=", "%3D"),
    ],
    ids=["plus for a space", "percent for a space", "raw"],
)
def test_words_in_any_language_arrive_as_they_are(quoted, order_sync, text) -> None:
    subscription = f"forms-{uuid.uuid4().hex[:12]}"
    assert stored(order_sync, subscription) == []
    assert push(order_sync, signed(("message", text), quoted=quoted)) == 200
    assert stored(order_sync, subscription) == [text]


@pytest.mark.parametrize("place", [1, 6, 8, 20])
def test_a_signed_form_without_a_message_is_none(place: int, order_sync, text) -> None:
    """Names and values are signed as one text: parted elsewhere, the signature stays."""
    subscription = f"forms-{uuid.uuid4().hex[:12]}"
    assert stored(order_sync, subscription) == []
    whole = "message" + text
    assert push(order_sync, signed((whole[:place], whole[place:]))) == 400
    assert stored(order_sync, subscription) == []
