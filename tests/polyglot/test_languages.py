"""The shared cases and the examples, from every language: `make test-polyglot`. README.md explains them."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from tests.polyglot.rendering import CASES, HERE, render
from tests.polyglot.seen import counts, unseen
from tests.support.sandbox_client import SandboxClient
from tools import local_stack
from tools.local_stack import ROOT, RunningProcess, start_sandbox, start_service, stop

pytestmark = pytest.mark.polyglot

TOOLS = {
    "go": {"go": "Go 1.26 or later"},
    "java": {"javac": "a JDK, 17 or later", "mvn": "Maven 3.8 or later"},
    "ts": {"node": "Node.js 20 or later", "npm": "npm, which comes with Node.js"},
    "python": {},
}
"""What each language needs in PATH, and what to install where it is missing."""
LANGUAGES = sorted(path.parent.name for path in HERE.glob("*/run"))
EXAMPLES = json.loads((HERE / "examples.json").read_text())
BUILD_S, RUN_S, WITHIN_S = 600, 120, 30

TROUBLES = {
    "product.search.keywordQuery": {"hang": True},
    "product.search.queryProductDetail": {"drop": "before_request"},
    "product.filterData.queryConfig": {"gateway_error": "gw.NoUsageLeftError"},
    "alibaba.alipay.url.get": {"drop": "after_request"},
}
"""How the sandbox of the TROUBLED services fails, by operation: more often than all runs need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What the runners call."""

    services: Mapping[str, RunningProcess]
    """By the name that a case has for it."""
    sandbox: SandboxClient
    texts: Mapping[str, str]

    def environment(self, **more: str) -> dict[str, str]:
        """Return what a runner and an example find in their environment."""
        addresses = {f"POLYGLOT_{at}": running.address for at, running in self.services.items()}
        for name in ("PRODUCT", "ORDER_SYNC", "ACCOUNT"):
            addresses[f"NATIONALSITE_{name}"] = self.services[name].address
        return os.environ | addresses | more


@pytest.fixture(scope="session")
def suite() -> Iterator[Suite]:
    with ExitStack() as running:
        up = running.enter_context(local_stack.local_stack("open-platform"))
        troubled = start_sandbox(log="troubled-sandbox")
        running.callback(stop, troubled)
        for operation, fault in TROUBLES.items():
            SandboxClient(troubled.address).fault(fault, operation=operation, times=2_000)
        services = {name.upper(): up[name] for name in ("product", "order_sync", "account")}
        for name in ("product", "order_sync"):
            settings = {"NATIONALSITE_DIALECT": "national-site", "NATIONALSITE_REPLAY_SECONDS": "0"}
            services[f"TROUBLED_{name.upper()}"] = start_service(
                name, troubled.address, settings, log=f"troubled-{name}"
            )
            running.callback(stop, services[f"TROUBLED_{name.upper()}"])
        sandbox = SandboxClient(up["sandbox"].address)
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
        texts = {"started": started, "message_id": _pushed_message(sandbox)}
        yield Suite(services=services, sandbox=sandbox, texts=texts)


def _pushed_message(sandbox: SandboxClient) -> str:
    """Return the id of a message that the service has taken."""
    data = {"orderId": 2**53 + 1, "currentStatus": "waitsellersend", "buyerMemberId": "买家-1"}
    made = sandbox.admin("POST", "messages", {"topic": "ORDER_BUYER_VIEW_ORDER_PAY", "data": data})
    until = time.monotonic() + WITHIN_S
    while sandbox.admin("GET", "push")["pushed"] < 1:
        assert time.monotonic() < until
        time.sleep(0.05)
    return str(made["message_ids"][0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a language's run."""

    lines: Mapping[str, dict[str, Any]]
    """By case."""
    unseen: Mapping[str, str]
    """What the services did not see, by case."""
    trouble: str
    """Why there may be too few lines; empty where the runner ended well."""


@pytest.fixture(scope="session")
def ran(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ran]:
    """ran(language) is what came of its run, which is made once."""
    runs: dict[str, Ran] = {}

    def run(language: str) -> Ran:
        if language not in runs:
            folder = tmp_path_factory.mktemp("polyglot") / language
            runs[language] = _run(language, suite, folder)
        return runs[language]

    return run


def _run(language: str, suite: Suite, folder: Path) -> Ran:
    if trouble := _built(language, HERE / language):
        return Ran(lines={}, unseen={}, trouble=trouble)
    render(folder, {**suite.texts, "language": language})
    before = {at: counts(service) for at, service in suite.services.items()}
    done = _process([HERE / language / "run"], RUN_S, suite.environment(POLYGLOT_CASES=str(folder)))
    lines = {line["case"]: line for line in map(json.loads, done.stdout.splitlines())}
    cases = {path.stem: json.loads(path.read_text()) for path in CASES}
    return Ran(
        lines=lines,
        unseen={
            name: unseen(case, suite.services[case["at"]], before[case["at"]])
            for name, case in cases.items()
            if "seen" in case and name in lines
        },
        trouble=""
        if done.returncode == 0
        else f"the runner ended with {done.returncode}:\n{done.stderr[-4000:]}",
    )


def _built(language: str, folder: Path) -> str:
    """Prepare a runner or the examples; return what is wrong, empty for nothing."""
    missing = [f"{tool} ({what})" for tool, what in TOOLS[language].items() if not shutil.which(tool)]
    if missing:
        return f"cannot test {language} here: install {' and '.join(missing)}"
    done = _process([folder / "build"], BUILD_S, dict(os.environ))
    return (
        "" if done.returncode == 0 else f"{folder}/build failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    )


def _process(
    command: list[str | Path], timeout_s: float, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run to the end, or until the time is over: then with all that it started."""
    with subprocess.Popen(  # noqa: S603 # our own scripts
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += f"\nended after {timeout_s} s"
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", [path.stem for path in CASES])
def test_case(language: str, case: str, ran: Callable[[str], Ran]) -> None:
    found = ran(language)
    assert case in found.lines, found.trouble or f"the runner said nothing of {case}"
    assert found.lines[case]["passed"], found.lines[case]["why"]
    assert not found.unseen.get(case, "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_runner_ends_well_and_says_no_more(language: str, ran: Callable[[str], Ran]) -> None:
    found = ran(language)
    assert not found.trouble
    assert set(found.lines) == {path.stem for path in CASES}


@pytest.fixture(scope="session")
def examples_built() -> Callable[[str], str]:
    """examples_built(language) is what is wrong with its examples' build, which is made once."""
    built: dict[str, str] = {}

    def build(language: str) -> str:
        if language not in built:
            built[language] = _built(language, ROOT / "examples" / language)
        return built[language]

    return build


@pytest.mark.parametrize(
    ("language", "name"),
    [(language, name) for name, example in EXAMPLES.items() for language in example["languages"]],
)
def test_example(language: str, name: str, suite: Suite, examples_built: Callable[[str], str]) -> None:
    example = EXAMPLES[name]
    assert not examples_built(language)
    command = [ROOT / "examples" / language / "run", name]
    run = _consume if "pushes" in example else _once
    code, out, err = run(command, example, suite)
    assert code == 0, err[-4000:]
    assert _fit(example["lines"], out.splitlines()), f"{out}\n{err[-2000:]}"


def _once(command: list[str | Path], _example: dict[str, Any], suite: Suite) -> tuple[int, str, str]:
    done = _process(command, RUN_S, suite.environment())
    return done.returncode, done.stdout, done.stderr


def _consume(command: list[str | Path], example: dict[str, Any], suite: Suite) -> tuple[int, str, str]:
    """Push messages until the example has printed what it is to print; then ask it to end."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
        subprocess.Popen(  # noqa: S603 # our own
            command,
            cwd=ROOT,
            env=suite.environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            start_new_session=True,
        ) as process,
    ):
        lines: list[str] = []
        reading = threading.Thread(target=_collect, args=(process.stdout, lines), daemon=True)
        reading.start()
        try:
            until = time.monotonic() + WITHIN_S
            while not _fit(example["lines"], lines) and process.poll() is None and time.monotonic() < until:
                suite.sandbox.admin("POST", "messages", {"topic": example["pushes"]})
                time.sleep(0.25)
            process.terminate()
            process.wait(WITHIN_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            reading.join()
        errors.seek(0)
        return process.returncode, "".join(lines), errors.read()


def _collect(stream: IO[str], lines: list[str]) -> None:
    for line in stream:
        lines.append(line)


def _fit(patterns: list[str], lines: list[str]) -> bool:
    """Whether each pattern fits a line, in this order."""
    left = iter(list(lines))
    return all(any(re.fullmatch(pattern, line.rstrip("\n")) for line in left) for pattern in patterns)
