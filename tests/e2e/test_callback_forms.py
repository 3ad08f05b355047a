"""The form that carries a pushed message: how its text is encoded, and signed forms without a message."""

import json
import uuid
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import grpc
import pytest
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.e2e.conftest import ServicePool
from tests.support.callbacks import post, sign
from tests.support.consumers import pull
from tools.local_stack import RunningProcess


@pytest.fixture
def order_sync(running_services: ServicePool) -> RunningProcess:
    return running_services["order_sync", "national-site"]


@pytest.fixture
def text() -> str:
    """A message with Chinese, an emoji, and characters that have a meaning in a form."""
    message = {
        "msgId": uuid.uuid4().int % 10**15,
        "type": "NEW_TOPIC",
        "data": {"words": "红色 连衣裙 👗 a+b=c&d 100%"},
    }
    return json.dumps(message, ensure_ascii=False)


def build_form(parameter: tuple[str, str], encode: Callable[[str], str] = quote_plus) -> bytes:
    """Return a signed form with one parameter."""
    pairs = (parameter, ("_aop_signature", sign([parameter])))
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in pairs).encode()


def pull_texts(process: RunningProcess, subscription: str) -> list[str]:
    """Return the texts of the messages of a subscription; create it if it does not exist."""
    with grpc.insecure_channel(process.address) as channel:
        received = pull(OrderSyncServiceStub(channel), subscription, create_if_missing={})
        return [each.message.raw_json for each in received]


@pytest.mark.parametrize(
    "encode",
    [
        quote_plus,
        quote,
        # Only the characters that separate parameters are encoded.
        lambda text: text.replace("%", "%25").replace("&", "%26").replace("+", "%2B").replace("=", "%3D"),
    ],
    ids=["plus for a space", "percent for a space", "raw"],
)
def test_text_in_any_language_arrives_unchanged(
    encode: Callable[[str], str], order_sync: RunningProcess, text: str
) -> None:
    subscription = f"forms-{uuid.uuid4().hex[:12]}"
    assert pull_texts(order_sync, subscription) == []
    assert post(order_sync.callback, build_form(("message", text), encode)) == 200
    assert pull_texts(order_sync, subscription) == [text]


@pytest.mark.parametrize("split_at", [1, 6, 8, 20])
def test_a_signed_form_without_a_message_is_rejected(
    split_at: int, order_sync: RunningProcess, text: str
) -> None:
    """The signature covers name and value as one text, so it stays valid if they are split elsewhere."""
    subscription = f"forms-{uuid.uuid4().hex[:12]}"
    assert pull_texts(order_sync, subscription) == []
    signed_text = "message" + text
    assert post(order_sync.callback, build_form((signed_text[:split_at], signed_text[split_at:]))) == 400
    assert pull_texts(order_sync, subscription) == []
