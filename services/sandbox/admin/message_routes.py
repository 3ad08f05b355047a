"""Messages: the settings and results of pushes, and messages that a test creates."""

from dataclasses import asdict, replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.admin.found import require_found
from services.sandbox.admin.query import parse_number
from services.sandbox.admin.request_body import read_body
from services.sandbox.admin.schemas.messages import MessagesBody, PushBody
from services.sandbox.admin.serializers import Json, serialize_message
from services.sandbox.context import SandboxContext
from services.sandbox.messages.examples import build_example
from services.sandbox.messages.message import Message, MessageState, to_compact_json
from services.sandbox.messages.outbox import MAX_MESSAGES


class MessageRoutes:
    """HTTP handlers of messages and pushes."""

    def __init__(self, context: SandboxContext) -> None:
        self._state = context.state

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/push", self.get_push, methods=["GET"]),
            Route("/push", self.change_push, methods=["PUT"]),
            Route("/messages", self.list_messages, methods=["GET"]),
            Route("/messages", self.create_messages, methods=["POST"]),
            Route("/messages/{message_id}", self.get_message, methods=["GET"]),
            Route("/messages/{message_id}/push", self.push_again, methods=["POST"]),
        ]

    async def get_push(self, request: Request) -> Response:
        """Return the settings of pushes, and the counts of messages."""
        outbox = self._state.outbox
        return JSONResponse(
            {
                "settings": asdict(outbox.settings),
                **asdict(outbox.counts),
                "queued": outbox.queued,
                "failed": outbox.failed_messages.count,
                "confirmed": outbox.failed_messages.confirmed,
                "expired": outbox.failed_messages.expired,
            }
        )

    async def change_push(self, request: Request) -> Response:
        """Change the settings."""
        body = await read_body(request, PushBody)
        outbox = self._state.outbox
        outbox.change_settings(replace(outbox.settings, **body.model_dump(exclude_unset=True)))
        return Response(status_code=204)

    async def list_messages(self, request: Request) -> Response:
        """Return the latest messages, in the order in which they were created."""
        state = request.query_params.get("state")
        if state is not None and state not in list(MessageState):
            raise HTTPException(400, f"state: must be one of {', '.join(MessageState)}")
        messages = self._state.outbox.latest(state, parse_number(request, "limit", MAX_MESSAGES))
        max_characters = parse_number(request, "max_characters", 0)
        return JSONResponse(
            {"messages": [_serialize_with_excerpt(message, max_characters) for message in messages]}
        )

    async def create_messages(self, request: Request) -> Response:
        """Create messages."""
        body = await read_body(request, MessagesBody)
        if body.order_count is not None and not isinstance(body.data, dict | None):
            raise HTTPException(400, "data: must be an object if order_count is set")
        first_ms = self._state.clock.now_ms() if body.event_time_ms is None else body.event_time_ms
        messages = [
            self._state.outbox.add(
                body.topic,
                _build_data(body, number, first_ms),
                user_info=body.user_info,
                event_time_ms=first_ms,
                id_as_text=body.id_as_text,
                extra_members=body.extra_members,
            )
            for number in range(body.times)
        ]
        return JSONResponse({"message_ids": [message.message_id for message in messages]}, 201)

    async def get_message(self, request: Request) -> Response:
        """Return one message, and what is pushed."""
        message = self._find_message(request)
        return JSONResponse(serialize_message(message) | {"message": message.to_json()})

    async def push_again(self, request: Request) -> Response:
        """Push a message that has failed once more with retries, or another one as a duplicate."""
        message = self._find_message(request)
        self._state.outbox.push_again(message)
        return JSONResponse(serialize_message(message))

    def _find_message(self, request: Request) -> Message:
        message = self._state.outbox.find(request.path_params["message_id"])
        return require_found(message, "there is no such message")


def _serialize_with_excerpt(message: Message, max_characters: int) -> Json:
    """Return a message, with the beginning of its data as text if `max_characters` is not 0."""
    if not max_characters:
        return serialize_message(message)
    return serialize_message(message) | {"excerpt": to_compact_json(message.data)[:max_characters]}


def _build_data(body: MessagesBody, number: int, first_ms: int) -> Any:
    """Return the data of the message with this number.

    The messages are about the orders in turn: after the last order comes the first again.
    """
    if body.order_count is None and body.data is not None:
        data = body.data
    else:
        round_number, order_number = divmod(number, body.order_count or 1)
        sent_ms = first_ms + round_number * 1000
        data = build_example(body.topic, order_number, sent_ms, members=body.data)
    return to_compact_json(data) if body.data_as_text else data
