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
from tests.consumers.scenario import Scenario, read_scenarios
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
def run_driver(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Mapping[str, str]]:
    """run_driver(name) returns what was not as expected in each selected scenario, which it runs once."""
    results: dict[str, Mapping[str, str]] = {}
    calls = [
        item.callspec.params
        for item in request.session.items
        if getattr(item, "originalname", "") == test_scenario.__name__
    ]

    def run(name: str) -> Mapping[str, str]:
        if name not in results:
            selected = [SCENARIOS[call["scenario"]] for call in calls if call["driver"] == name]
            log = tmp_path_factory.mktemp("consumers") / f"{name}.log"
            results[name] = asyncio.run(_run_all(DRIVERS[name], selected, log))
        return results[name]

    return run


async def _run_all(program: DriverProgram, scenarios: list[Scenario], log: Path) -> Mapping[str, str]:
    """Run scenarios at the same time, because most of their time is waiting. Slow ones start first."""
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
def test_scenario(driver: str, scenario: str, run_driver: Callable[[str], Mapping[str, str]]) -> None:
    program = DRIVERS[driver]
    error = build(program.language, program.folder)
    assert not error, error
    difference = run_driver(driver)[scenario]
    assert not difference, f"{SCENARIOS[scenario].description}\n{difference}"
