"""The admin paths of messages: how they are pushed, what became of them, and messages made by hand."""

import json
from dataclasses import asdict, replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.admin.schemas.controls import read_body
from services.sandbox.admin.schemas.messages import MessagesBody, PushBody
from services.sandbox.messages.examples import example
from services.sandbox.messages.message import Message, MessageState
from services.sandbox.messages.outbox import KEPT_MESSAGES
from services.sandbox.state import State


class AdminMessages:
    """The handlers of these paths."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Every admin path of messages."""
        return [
            Route("/push", self.push, methods=["GET"]),
            Route("/push", self.put_push, methods=["PUT"]),
            Route("/messages", self.messages, methods=["GET"]),
            Route("/messages", self.add_messages, methods=["POST"]),
        ]

    async def push(self, request: Request) -> Response:
        """The settings, and every count."""
        outbox = self._state.outbox
        return JSONResponse(
            {
                "settings": asdict(outbox.settings),
                **asdict(outbox.counts),
                "queue": outbox.queued,
                "failed": outbox.failed.waiting,
                "confirmed": outbox.failed.confirmed,
                "forgotten": outbox.failed.forgotten,
            }
        )

    async def put_push(self, request: Request) -> Response:
        """Changes the settings."""
        body = await read_body(request, PushBody)
        outbox = self._state.outbox
        outbox.change(replace(outbox.settings, **body.model_dump(exclude_unset=True)))
        return Response(status_code=204)

    async def messages(self, request: Request) -> Response:
        """The latest messages, in the order in which they were made."""
        state, limit = request.query_params.get("state"), request.query_params.get("limit")
        if state is not None and state not in list(MessageState):
            raise HTTPException(400, f"state: there are {', '.join(MessageState)}")
        if limit is not None and not limit.isdecimal():
            raise HTTPException(400, "limit: a number is needed")
        found = self._state.outbox.latest(state, KEPT_MESSAGES if limit is None else int(limit))
        return JSONResponse({"messages": [_view(message) for message in found]})

    async def add_messages(self, request: Request) -> Response:
        """Makes messages by hand."""
        body = await read_body(request, MessagesBody)
        if body.orders is not None and not isinstance(body.data, dict | None):
            raise HTTPException(400, "data: an object is needed to spread it over orders")
        first_ms = self._state.clock.now_ms() if body.born_ms is None else body.born_ms
        made = [
            self._state.outbox.add(
                body.topic,
                _data(body, number, first_ms),
                user_info=body.user_info,
                born_ms=first_ms,
                text_id=body.text_id,
                more=body.more,
            )
            for number in range(body.times)
        ]
        return JSONResponse({"message_ids": [message.message_id for message in made]}, 201)


def _data(body: MessagesBody, number: int, first_ms: int) -> Any:
    """What stands in the message of this number: round by round, one of each order."""
    if body.orders is None and body.data is not None:
        data = body.data
    else:
        round_, order = divmod(number, body.orders or 1)
        data = example(body.topic, order, first_ms + round_ * 1000, over=body.data)
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) if body.data_as_text else data


def _view(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.message_id,
        "topic": message.topic,
        "state": message.state,
        "attempts": message.attempts,
        "last_answer": message.last_answer,
    }
