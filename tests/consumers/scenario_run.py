"""Runs a scenario: executes its steps, and compares what happens with what they expect."""

import asyncio
import traceback
from typing import Any

from google.protobuf import json_format
from nationalsite.ordersync import v1 as protos

from tests.consumers.driver import Driver
from tests.consumers.scenario import (
    DEFAULT_OPTIONS,
    EXPECTED_EVENTS,
    WITH_IDS,
    WITH_MESSAGE_IDS,
    Scenario,
    Step,
    shorten,
)
from tests.consumers.scripted_server import Happening, ScriptedServer

_DEFAULT_MAX_OUTSTANDING = 10
_EARLY_MS = 20
"""How much too early a time may be measured: the clocks of the processes have other resolutions."""
_END = (
    Step(kind="stop", value={}),
    Step(kind="closed", value={}),
    Step(kind="ended", value={}),
)
"""What follows the steps of a scenario that does not end with `ended`."""


class Unexpected(Exception):
    """Something else happened than a scenario says."""


async def run_scenario(scenario: Scenario, driver: Driver, *, cancels: bool) -> str:
    """Run a scenario; return what was not as expected, or an empty text.

    `cancels` is whether the driver's consumer can stop a running handler.
    """
    run = _ScenarioRun(scenario, driver, cancels=cancels)
    try:
        await run.run()
    except Unexpected as difference:
        return f"{difference}\n{run.transcript}"
    except Exception:  # other scenarios of the driver go on
        return f"{traceback.format_exc()}\n{run.transcript}"
    return ""


class _ScenarioRun:
    def __init__(self, scenario: Scenario, driver: Driver, *, cancels: bool) -> None:
        self._scenario = scenario
        self._driver = driver
        self._cancels = cancels
        self._options = {**DEFAULT_OPTIONS, "subscription": "shop", **scenario.options}
        self._server = ScriptedServer(lease_ms=self._options["lease_ms"], ends_streams=scenario.ends_streams)
        self._events = driver.events(scenario.name)
        self._running: set[str] = set()
        """Message ids whose handlers run."""
        self._clock = asyncio.get_running_loop().time
        self._start_s = self._step_s = self._clock()
        """When the scenario and the current step began."""
        self._lines: list[str] = []

    @property
    def transcript(self) -> str:
        """What has happened, with the seconds since the start."""
        return "\n".join(self._lines)

    async def run(self) -> None:
        target = await self._server.start()
        try:
            await self._send("run", target=target, options=self._options)
            for step in self._scenario.steps + (() if self._is_ended_by_steps() else _END):
                self._log(f"step {step}", self._clock())
                await self._execute(step)
                self._step_s = self._clock()
            self._expect_nothing()
        finally:
            await self._server.stop()

    def _is_ended_by_steps(self) -> bool:
        return self._scenario.steps[-1].kind == "ended"

    async def _execute(self, step: Step) -> None:  # noqa: PLR0912 # a branch for each kind of step
        match step.kind:
            case "deliver":
                self._server.deliver(step.value)
            case "lapse":
                self._server.lapse(step.value)
            case "unknown":
                self._server.send_unknown()
            case "end":
                self._server.end(**step.value)
            case "drain":
                await self._server.drain()
            case "shut_down":
                await self._server.shut_down()
            case "start":
                await self._server.start()
            case "return" | "fail":
                for message_id in step.value:
                    self._running.discard(message_id)
                    await self._send(step.kind, message_id=message_id)
            case "stop":
                await self._send("stop")
            case "nothing":
                self._expect_nothing()
            case "cancelled" if not self._cancels:
                pass
            case _:
                await self._wait(step)

    async def _wait(self, step: Step) -> None:
        try:
            async with asyncio.timeout_at(self._step_s + step.within_ms / 1000):
                if step.kind in WITH_IDS | WITH_MESSAGE_IDS:
                    happening = await self._wait_for_ids(step)
                else:
                    happening = await self._next(step)
                    self._compare(step, happening)
        except TimeoutError:
            raise Unexpected(f"did not happen within {step.within_ms} ms: {step}") from None
        waited_ms = (happening.time_s - self._step_s) * 1000
        if step.after_ms and waited_ms < step.after_ms - _EARLY_MS:
            raise Unexpected(f"happened after {waited_ms:.0f} ms, not after {step.after_ms}: {step}")

    async def _wait_for_ids(self, step: Step) -> Happening:
        """Wait until all ids of the step have happened, together or one by one; return the last one."""
        remaining = set(step.value)
        while True:
            happening = await self._next(step)
            if not remaining.issuperset(happening.value):
                raise Unexpected(f"expected {step}\nactual: {shorten(happening.value)}")
            remaining.difference_update(happening.value)
            if not remaining:
                return happening

    async def _next(self, step: Step) -> Happening:
        queue = self._events if step.kind in EXPECTED_EVENTS else self._server.requests
        happening = await queue.get()
        self._log(f"  {happening.kind} {shorten(happening.value)}", happening.time_s)
        if happening.kind == "started":
            self._check_started(happening)
        if happening.kind == "cancelled" and not self._scenario.ignores_cancellation:
            self._running.difference_update(happening.value)
        if happening.kind != step.kind:
            raise Unexpected(f"expected {step}\nactual: {happening.kind} {shorten(happening.value)}")
        return happening

    def _check_started(self, happening: Happening) -> None:
        self._running |= {ack_id.partition("#")[0] for ack_id in happening.value}
        if len(self._running) > self._options.get("max_outstanding", _DEFAULT_MAX_OUTSTANDING):
            raise Unexpected(f"too many handlers: {sorted(self._running)}")

    def _compare(self, step: Step, happening: Happening) -> None:
        if step.kind == "opened":
            self._compare_open(step, happening.value)
        elif step.kind == "ended":
            expected = {"code": "", "reason": "", **step.value} if step.value else {}
            actual = {name: text for name, text in happening.value.items() if name != "text"}
            if actual != expected:
                raise Unexpected(f"expected {step}\nactual: {happening.value}")

    def _compare_open(self, step: Step, request: protos.StreamMessagesRequest.Open) -> None:
        actual = json_format.MessageToDict(request, preserving_proto_field_name=True)
        expected: dict[str, Any] = {
            "subscription": self._options["subscription"],
            "lease": f"{self._options['lease_ms'] // 1000}s",
            "create_if_missing": None,
            **step.value,
        }
        differences = {name: actual.get(name) for name in expected if actual.get(name) != expected[name]}
        if differences:
            raise Unexpected(f"expected {step}\nactual: {differences}")

    def _expect_nothing(self) -> None:
        """Fail if something has happened that no step has waited for."""
        for queue in (self._server.requests, self._events):
            if not queue.empty():
                happening = queue.get_nowait()
                raise Unexpected(f"not expected: {happening.kind} {shorten(happening.value)}")

    async def _send(self, command: str, **members: Any) -> None:
        await self._driver.send(command, self._scenario.name, **members)

    def _log(self, line: str, time_s: float) -> None:
        self._lines.append(f"{time_s - self._start_s:7.3f} {line}")
