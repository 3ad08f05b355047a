"""Replays the messages whose push failed."""

import re
from collections.abc import Callable
from typing import Any

from services.sandbox.context import SandboxContext
from services.sandbox.controls.clock import parse_compact_time
from services.sandbox.credentials import APP_KEY
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import Envelope, InvalidArgument
from services.sandbox.http.operation import DialectSpec, Handler, Operation
from services.sandbox.messages.failed_messages import MessageFilter
from services.sandbox.messages.message import Message
from services.sandbox.operations.registry import operation

MIN_PAGE_SIZE, MAX_PAGE_SIZE = 20, 200
_MESSAGE_ID = re.compile(r"\d{1,19}")

_FLAT = Envelope(
    wrap_payload=lambda payload: payload,
    # It is not documented how these APIs return errors.
    wrap_error=lambda error: {"isSuccess": False, "errorCode": error.code, "errorMessage": error.message},
)


def _push_operation(name: str, required: tuple[str, ...] = ()) -> Callable[[Handler], Operation]:
    return operation(
        name,
        DialectSpec(dialect=Dialect.BOTH, envelope=_FLAT, required=required),
        namespace="cn.alibaba.open",
        requires_token=False,
    )


@_push_operation("push.query.messageList")
async def query_messages(context: SandboxContext, arguments: Arguments) -> Any:
    """Return one page of the failed messages, without confirming them."""
    page_size = _parse_page_size(arguments, "pageSize")
    page = _parse_integer(arguments, "page", 1)
    if page < 1:
        raise InvalidArgument("page: the first page is 1")
    messages = context.state.outbox.failed_messages.select(_parse_filter(arguments))
    rows = [_serialize(message) for message in messages[(page - 1) * page_size : page * page_size]]
    return {"pushMessagePage": {"datas": rows, "totalCount": len(messages)}}


@_push_operation("push.cursor.messageList")
async def fetch_messages(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the next failed messages, and confirm them, even if this response does not arrive."""
    failed_messages = context.state.outbox.failed_messages
    page_size = _parse_page_size(arguments, "quantity")
    messages = failed_messages.select(_parse_filter(arguments))[:page_size]
    rows = [_serialize(message) for message in messages]
    failed_messages.confirm(str(message.message_id) for message in messages)
    return {"pushMessageList": rows}


@_push_operation("push.message.confirm", required=("msgIdList",))
async def confirm_messages(context: SandboxContext, arguments: Arguments) -> Any:
    """Confirm failed messages. Other ids are ignored."""
    message_ids = list(map(str, arguments.array("msgIdList")))
    if not all(map(_MESSAGE_ID.fullmatch, message_ids)):
        raise InvalidArgument("msgIdList: must be a list of numbers")
    context.state.outbox.failed_messages.confirm(message_ids)
    return {"isSuccess": True}


def _parse_filter(arguments: Arguments) -> MessageFilter:
    return MessageFilter(
        min_event_time_ms=_parse_time_ms(arguments, "createStartTime"),
        max_event_time_ms=_parse_time_ms(arguments, "createEndTime"),
        topic=arguments.string("type") or None,
        user_info=arguments.string("userInfo") or None,
    )


def _parse_time_ms(arguments: Arguments, name: str) -> int | None:
    text = arguments.string(name)
    if not text:
        return None
    try:
        return parse_compact_time(text)
    except ValueError as error:
        raise InvalidArgument(f"{name}: {error}") from error


def _parse_integer(arguments: Arguments, name: str, default: int) -> int:
    number = arguments.integer(name)
    return default if number is None else number


def _parse_page_size(arguments: Arguments, name: str) -> int:
    page_size = _parse_integer(arguments, name, MIN_PAGE_SIZE)
    if not MIN_PAGE_SIZE <= page_size <= MAX_PAGE_SIZE:
        raise InvalidArgument(f"{name}: must be {MIN_PAGE_SIZE} to {MAX_PAGE_SIZE}")
    return page_size


def _serialize(message: Message) -> dict[str, Any]:
    group, _, name = message.topic.partition("_")
    return {
        **message.to_json(),
        "appKey": APP_KEY,
        "topicGroup": group,
        "topicName": name,
    }
