"""Runs the scenarios with the consumers of all languages. README.md explains them.

Go, Java and TypeScript belong to `make test-polyglot`. Python belongs to `make test-slow`, and
AsyncConsumer also to `make test` for the scenarios that are not slow.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.consumers.driver import start_driver
from tests.consumers.scenario import (
    ACTIONS,
    EXPECTED_EVENTS,
    EXPECTED_REQUESTS,
    HERE,
    Scenario,
    read_scenarios,
)
from tests.consumers.scenario_run import run_scenario
from tests.polyglot.toolchains import build
from tools.local_stack import ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverProgram:
    """How to start a driver."""

    language: str
    arguments: tuple[str, ...] = ()
    cancels: bool = True
    """Whether the consumer can stop a running handler."""

    @property
    def folder(self) -> Path:
        return ROOT / "tests" / "polyglot" / self.language


DRIVERS: Mapping[str, DriverProgram] = {
    "go": DriverProgram(language="go"),
    "java": DriverProgram(language="java"),
    "python": DriverProgram(language="python"),
    "python-threads": DriverProgram(language="python", arguments=("threads",), cancels=False),
    "ts": DriverProgram(language="ts"),
}
_MAX_CONCURRENT_SCENARIOS = 16
SCENARIOS = {scenario.name: scenario for scenario in read_scenarios()}


def _marks(name: str, scenario: Scenario) -> list[pytest.MarkDecorator]:
    if DRIVERS[name].language != "python":
        return [pytest.mark.polyglot]
    return [] if name == "python" and not scenario.is_slow else [pytest.mark.slow]


TESTS = [
    pytest.param(name, scenario.name, marks=_marks(name, scenario), id=f"{name}-{scenario.name}")
    for name, driver in DRIVERS.items()
    for scenario in SCENARIOS.values()
    if driver.cancels or not scenario.needs_cancellation
]


@pytest.fixture(scope="session")
def find_difference(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], str]:
    """find_difference(driver, scenario) returns what was not as expected in a scenario.

    The first call for a driver runs all selected scenarios. A second call for a scenario runs it again.
    """
    results: dict[str, dict[str, str]] = {}
    calls = [
        item.callspec.params
        for item in request.session.items
        if getattr(item, "originalname", "") == test_scenario.__name__
    ]

    def find(driver: str, scenario: str) -> str:
        names = [scenario]
        if driver not in results:
            results[driver] = {}
            names = [call["scenario"] for call in calls if call["driver"] == driver]
        if scenario not in results[driver]:
            log = tmp_path_factory.mktemp("consumers") / f"{driver}.log"
            selected = [SCENARIOS[name] for name in names]
            results[driver] |= asyncio.run(_run_all(DRIVERS[driver], selected, log))
        return results[driver].pop(scenario)

    return find


async def _run_all(program: DriverProgram, scenarios: list[Scenario], log: Path) -> dict[str, str]:
    """Run scenarios at the same time, because most of their time is waiting. Slow ones start first.

    Returns what was not as expected, by scenario.
    """
    places = asyncio.Semaphore(_MAX_CONCURRENT_SCENARIOS)
    differences: dict[str, str] = {}
    command = [program.folder / "run_consumer", *program.arguments]
    async with start_driver(command, log) as driver, asyncio.TaskGroup() as tasks:

        async def run(scenario: Scenario) -> None:
            async with places:
                differences[scenario.name] = await run_scenario(scenario, driver, cancels=program.cancels)

        for scenario in sorted(scenarios, key=lambda scenario: not scenario.is_slow):
            tasks.create_task(run(scenario))
    return differences


@pytest.mark.parametrize(("driver", "scenario"), TESTS)
def test_scenario(driver: str, scenario: str, find_difference: Callable[[str, str], str]) -> None:
    program = DRIVERS[driver]
    error = build(program.language, program.folder)
    assert not error, error
    difference = find_difference(driver, scenario)
    assert not difference, f"{SCENARIOS[scenario].description}\n{difference}"


def test_every_client_library_has_a_driver() -> None:
    clients = {path.name for path in (ROOT / "clients").iterdir() if path.is_dir()}
    assert {driver.language for driver in DRIVERS.values()} == clients


def test_every_step_is_described_and_used() -> None:
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    used = {step.kind for scenario in SCENARIOS.values() for step in scenario.steps}
    assert used == ACTIONS | EXPECTED_REQUESTS | EXPECTED_EVENTS | {"nothing"}
    assert {kind for kind in used if f"`{kind}: " not in readme} == set()
