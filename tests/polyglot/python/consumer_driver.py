"""Runs consumers with handlers that stdin controls. tests/consumers/README.md explains the protocol.

With the argument `threads` it runs Consumer, otherwise AsyncConsumer.
"""

import asyncio
import json
import os
import sys
import threading
from concurrent.futures import Future
from typing import Any

import grpc
from google.protobuf import json_format
from nationalsite.ordersync import v1 as protos
from nationalsite_client import (
    AsyncConsumer,
    Consumer,
    ConsumerOptions,
    connect_async,
    get_received_message,
    parse_error,
)

Json = dict[str, Any]

_print_lock = threading.Lock()


def emit(event: str, consumer: str, **members: Any) -> None:
    """Print an event."""
    with _print_lock:
        print(json.dumps({"event": event, "consumer": consumer, **members}), flush=True)


class ControlledHandlers:
    """The handlers of one consumer: each waits until a command says how it ends."""

    def __init__(self, consumer: str) -> None:
        self._consumer = consumer
        self._results: dict[str, Future[None]] = {}

    def start(self) -> Future[None]:
        """Report that the current handler has started; return the result that it waits for."""
        received = get_received_message()
        message_id = received.message.message_id
        result = self._results[message_id] = Future()
        emit("started", self._consumer, message_id=message_id, delivery_attempt=received.delivery_attempt)
        return result

    def end(self, message_id: str, *, fails: bool) -> None:
        """Let a handler return, or raise."""
        result = self._results.pop(message_id)
        if fails:
            result.set_exception(RuntimeError("simulated"))
        else:
            result.set_result(None)


class AsyncConsumerRun:
    """An AsyncConsumer with its channel."""

    def __init__(self, name: str, command: Json) -> None:
        self.handlers = ControlledHandlers(name)
        self._name = name
        self._ignores_cancellation = command["options"].get("ignores_cancellation", False)
        self._channel = connect_async(command["target"], "order_sync")
        subscription, options = parse_options(command["options"])
        self._consumer = AsyncConsumer(self._channel, subscription, self._handle, options)
        self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """Stop the consumer."""
        self._consumer.stop()

    async def _run(self) -> None:
        async with self._channel:
            try:
                await self._consumer.run()
            except Exception as error:  # whatever ends a consumer is its result
                emit("ended", self._name, error=describe(error))
            else:
                emit("ended", self._name, error=None)

    async def _handle(self, message: protos.Message) -> None:
        result = asyncio.wrap_future(self.handlers.start())
        while True:
            try:
                return await asyncio.shield(result)
            except asyncio.CancelledError:
                emit("cancelled", self._name, message_id=message.message_id)
                if not self._ignores_cancellation:
                    raise


class ThreadedConsumerRun:
    """A Consumer, whose `run` blocks a thread."""

    def __init__(self, name: str, command: Json) -> None:
        self.handlers = ControlledHandlers(name)
        self._name = name
        subscription, options = parse_options(command["options"])
        self._consumer = Consumer(command["target"], subscription, self._handle, options)
        threading.Thread(target=self._run).start()

    def stop(self) -> None:
        """Stop the consumer."""
        self._consumer.stop()

    def _run(self) -> None:
        try:
            self._consumer.run()
        except Exception as error:  # whatever ends a consumer is its result
            emit("ended", self._name, error=describe(error))
        else:
            emit("ended", self._name, error=None)

    def _handle(self, _message: protos.Message) -> None:
        self.handlers.start().result()


def parse_options(options: Json) -> tuple[str, ConsumerOptions]:
    """Return the subscription and the options of the `run` command."""
    values: Json = {}
    for name in ("lease", "handler_timeout", "stop_grace"):
        if f"{name}_ms" in options:
            values[f"{name}_s"] = options[f"{name}_ms"] / 1000
    if "max_outstanding" in options:
        values["max_outstanding"] = options["max_outstanding"]
    if "create_if_missing" in options:
        spec = protos.SubscriptionSpec()
        values["create_if_missing"] = json_format.ParseDict(options["create_if_missing"], spec)
    return options["subscription"], ConsumerOptions(**values)


def describe(error: Exception) -> Json:
    """Return the error of the `ended` event."""
    if not isinstance(error, grpc.RpcError):
        return {"code": "", "reason": "", "text": repr(error)}
    details = parse_error(error)
    return {"code": details.code.name, "reason": details.reason_name, "text": details.message}


async def main() -> None:
    """Execute commands until stdin ends."""
    run_type = ThreadedConsumerRun if sys.argv[1:] == ["threads"] else AsyncConsumerRun
    runs: dict[str, AsyncConsumerRun | ThreadedConsumerRun] = {}
    stdin = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(stdin)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    async for line in stdin:
        command = json.loads(line)
        name = command["consumer"]
        match command["command"]:
            case "run":
                runs[name] = run_type(name, command)
            case "stop":
                runs[name].stop()
            case "return" | "fail" as end:
                runs[name].handlers.end(command["message_id"], fails=end == "fail")
    os._exit(0)  # without waiting for handlers that still run


asyncio.run(main())
