"""The operations that give messages again which nobody took."""

import re
from typing import Any

from services.sandbox.controls.clock import read_compact
from services.sandbox.credentials import APP_KEY
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import BadArgument, Envelope
from services.sandbox.http.operation import Arguments, Handler, Operation, Shape
from services.sandbox.messages.failed_messages import Wanted
from services.sandbox.messages.message import Message
from services.sandbox.state import State

PAGE_SIZES = range(20, 201)
_MESSAGE_ID = re.compile(r"\d{1,19}")

_FLAT = Envelope(
    accept=lambda payload: payload,
    # How these APIs refuse is not known.
    refuse=lambda refused: {"isSuccess": False, "errorCode": refused.code, "errorMessage": refused.message},
)


class PushOperations:
    """Handlers over the failed messages, and their rows for the table of operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def table(self) -> tuple[Operation, ...]:
        """Every operation on messages."""
        return (
            _push_operation("push.query.messageList", self.query),
            _push_operation("push.cursor.messageList", self.cursor),
            _push_operation("push.message.confirm", self.confirm, required=("msgIdList",)),
        )

    async def query(self, arguments: Arguments) -> Any:
        """One page of the failed messages, which stay what they are."""
        size = _size(arguments, "pageSize")
        page = _number(arguments, "page", 1)
        if page < 1:
            raise BadArgument("page: pages begin at 1")
        found = self._state.outbox.failed.wanted(_wanted(arguments))
        datas = [_row(message) for message in found[(page - 1) * size : page * size]]
        return {"pushMessagePage": {"datas": datas, "totalCount": len(found)}}

    async def cursor(self, arguments: Arguments) -> Any:
        """The next failed messages. They are confirmed with this answer, whether it arrives or not."""
        failed = self._state.outbox.failed
        found = failed.wanted(_wanted(arguments))[: _size(arguments, "quantity")]
        rows = [_row(message) for message in found]
        failed.confirm(str(message.message_id) for message in found)
        return {"pushMessageList": rows}

    async def confirm(self, arguments: Arguments) -> Any:
        """Takes messages out of the failed ones. An id that is not among them is none of its business."""
        message_ids = list(map(str, arguments.items("msgIdList")))
        if not all(map(_MESSAGE_ID.fullmatch, message_ids)):
            raise BadArgument("msgIdList: a list of numbers is needed")
        self._state.outbox.failed.confirm(message_ids)
        return {"isSuccess": True}


def _push_operation(name: str, handler: Handler, required: tuple[str, ...] = ()) -> Operation:
    return Operation(
        namespace="cn.alibaba.open",
        name=name,
        handler=handler,
        needs_token=False,
        shapes=(Shape(dialect=Dialect.EITHER, envelope=_FLAT, required=required),),
    )


def _wanted(arguments: Arguments) -> Wanted:
    return Wanted(
        born_from_ms=_time_ms(arguments, "createStartTime"),
        born_to_ms=_time_ms(arguments, "createEndTime"),
        topic=arguments.text("type") or None,
        user_info=arguments.text("userInfo") or None,
    )


def _time_ms(arguments: Arguments, name: str) -> int | None:
    text = arguments.text(name)
    if not text:
        return None
    try:
        return read_compact(text)
    except ValueError as error:
        raise BadArgument(f"{name}: {error}") from error


def _number(arguments: Arguments, name: str, default: int) -> int:
    number = arguments.integer(name)
    return default if number is None else number


def _size(arguments: Arguments, name: str) -> int:
    size = _number(arguments, name, PAGE_SIZES[0])
    if size not in PAGE_SIZES:
        raise BadArgument(f"{name}: {PAGE_SIZES[0]} to {PAGE_SIZES[-1]} are possible")
    return size


def _row(message: Message) -> dict[str, Any]:
    """A message as the replay shows it."""
    group, _, name = message.topic.partition("_")
    return {
        **message.envelope(),
        "appKey": APP_KEY,
        "topicGroup": group,
        "topicName": name,
    }
