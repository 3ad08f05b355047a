"""Runs the shared cases and the examples in every language: `make test-polyglot`. README.md explains them."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import nationalsite_client
import pytest
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.polyglot.rendering import CASES, HERE, render
from tests.polyglot.server_calls import (
    check_server_calls,
    check_upstream_attempts,
    count_attempts,
    count_calls,
)
from tests.polyglot.toolchains import build, run_process
from tests.support.purchases import build_creation
from tests.support.released_code import check_out_release, python_variables
from tests.support.sandbox_client import SandboxClient
from tools import local_stack
from tools.local_stack import ROOT, RunningProcess, start_sandbox, start_service, stop

pytestmark = pytest.mark.polyglot

LANGUAGES = sorted(path.parent.name for path in HERE.glob("*/run"))
EXAMPLES = json.loads((HERE / "examples.json").read_text())
MESSAGES: list[dict[str, Any]] = json.loads((HERE / "messages.json").read_text())
"""A message of every topic, each about other orders, and one of a topic that is not known."""
SIGTERM_EXIT_CODES = {"java": 143}
"""A JVM exits with this code after its shutdown hooks."""
RUN_TIMEOUT_S, WAIT_TIMEOUT_S = 120, 30

PRICES = {
    "success": True,
    "data": {
        "searchOfferModelList": [
            {"offerId": 1, "priceInfo": {"price": "125-128", "jxhyPrice": "￥1,280.50"}},
            {"offerId": 2, "priceInfo": {"price": "面议"}},
        ]
    },
}
"""A page with prices that are not plain numbers, which the sandbox itself does not have."""
FAULTS = {
    "product.search.keywordQuery": {"hang": True},
    "product.search.imageQuery": {"status": 200, "json": PRICES},
    "product.search.queryProductDetail": {"drop": "before_request"},
    "product.filterData.queryConfig": {"gateway_error": "gw.NoUsageLeftError"},
    "alibaba.alipay.url.get": {"drop": "after_request"},
}
"""Faults of the sandbox behind the FAILING targets, by operation."""
FAULT_TIMES = 2_000
"""More calls than all runners make together."""
PUSHED = {
    1001: "ORDER_BUYER_VIEW_BUYER_MAKE",
    1002: "ORDER_BUYER_VIEW_BUYER_MAKE",
    1003: "ORDER_BUYER_VIEW_ORDER_PRICE_MODIFY",
}
"""The topic of the message about each order that is pushed before the runners start, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The services that runners and examples call."""

    services: Mapping[str, RunningProcess]
    """By target name, as in a case."""
    sandbox: SandboxClient
    failing_sandbox: SandboxClient
    """Behind the targets whose name starts with FAILING."""
    variables: Mapping[str, str]
    """Values of the placeholders in cases."""

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment variables of a runner or an example."""
        addresses = {f"POLYGLOT_{target}": service.address for target, service in self.services.items()}
        for name in ("PRODUCT", "ORDER_SYNC", "ACCOUNT"):
            addresses[f"NATIONALSITE_{name}"] = self.services[name].address
        addresses["NATIONALSITE_SANDBOX"] = self.sandbox.url
        return os.environ | addresses | more


@pytest.fixture(scope="session")
def targets() -> Iterator[Targets]:
    with ExitStack() as cleanup:
        healthy = cleanup.enter_context(local_stack.local_stack("open-platform"))
        failing_sandbox = start_sandbox(log="failing-sandbox")
        cleanup.callback(stop, failing_sandbox)
        for operation, fault in FAULTS.items():
            SandboxClient(failing_sandbox.address).inject_fault(fault, operation=operation, times=FAULT_TIMES)
        services = {name.upper(): healthy[name] for name in ("product", "order_sync", "account")}
        for name in ("product", "order_sync"):
            settings = {"NATIONALSITE_DIALECT": "national-site", "NATIONALSITE_REPLAY_SECONDS": "0"}
            service = start_service(name, failing_sandbox.address, settings, log=f"failing-{name}")
            cleanup.callback(stop, service)
            services[f"FAILING_{name.upper()}"] = service
        sandbox = SandboxClient(healthy["sandbox"].address)
        failing = SandboxClient(failing_sandbox.address)
        failing.admin("PUT", "push", {"callback_url": services["FAILING_ORDER_SYNC"].callback})
        start_time = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
        for message in MESSAGES:
            _push_message(failing, message)
        message_id = _push_message(sandbox, _paid_order("ORDER_BUYER_VIEW_ORDER_PAY", 2**53 + 1))
        for order_id, topic in PUSHED.items():
            _push_message(sandbox, _paid_order(topic, order_id))
        variables = {"start_time": start_time, "message_id": message_id}
        yield Targets(
            services=services,
            sandbox=sandbox,
            failing_sandbox=SandboxClient(failing_sandbox.address),
            variables=variables,
        )


def _paid_order(topic: str, order_id: int) -> dict[str, Any]:
    data = {"orderId": order_id, "currentStatus": "waitsellersend", "buyerMemberId": "买家-1"}
    return {"topic": topic, "data": data}


def _push_message(sandbox: SandboxClient, message: dict[str, Any]) -> str:
    """Push a message, wait until the service has accepted it, and return its id."""
    pushed = sandbox.admin("GET", "push")["pushed"]
    created = sandbox.admin("POST", "messages", message)
    deadline = time.monotonic() + WAIT_TIMEOUT_S
    while sandbox.admin("GET", "push")["pushed"] == pushed:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return str(created["message_ids"][0])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """The result of one language's runner."""

    cases: Mapping[str, dict[str, Any]]
    """The printed result of each case, by its name."""
    server_differences: Mapping[str, str]
    """How the calls that the server counted differ from the case, by its name."""
    error: str
    """Why results may be missing; empty if the runner succeeded."""


@pytest.fixture(scope="session")
def run_cases(targets: Targets, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RunResult]:
    """run_cases(language) returns the result of its runner, which runs once."""
    results: dict[str, RunResult] = {}

    def run(language: str) -> RunResult:
        if language not in results:
            folder = tmp_path_factory.mktemp("polyglot") / language
            results[language] = _run_cases(language, targets, folder)
        return results[language]

    return run


def _run_cases(language: str, targets: Targets, folder: Path, root: Path = ROOT) -> RunResult:
    """Run the cases of a checkout with its runner. The name of the folder is `${language}` in the cases."""
    programs = root / HERE.relative_to(ROOT)
    paths = sorted((programs / "cases").glob("*.json"))
    if error := build(language, programs / language, root):
        return RunResult(cases={}, server_differences={}, error=error)
    render(folder, {**targets.variables, "language": folder.name}, paths)
    variables = {} if root == ROOT else {"PYTHON": sys.executable, **python_variables(root)}
    counts = {target: count_calls(service) for target, service in targets.services.items()}
    attempts = count_attempts(targets.failing_sandbox)
    runner = run_process(
        [programs / language / "run"],
        RUN_TIMEOUT_S,
        targets.environment(POLYGLOT_CASES=str(folder), **variables),
        root,
    )
    results = {result["case"]: result for result in map(json.loads, runner.stdout.splitlines())}
    cases = {path.stem: json.loads(path.read_text()) for path in paths}
    server_differences = {
        name: check_server_calls(case, targets.services[case["target"]], counts[case["target"]])
        for name, case in cases.items()
        if "server_calls" in case and name in results
    }
    for name, case in cases.items():
        if "upstream_attempts" in case and name in results and not server_differences.get(name):
            server_differences[name] = check_upstream_attempts(case, targets.failing_sandbox, attempts)
    error = ""
    if runner.returncode != 0:
        error = f"the runner exited with {runner.returncode}:\n{runner.stderr[-4000:]}"
    return RunResult(cases=results, server_differences=server_differences, error=error)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", [path.stem for path in CASES])
def test_case(language: str, case: str, run_cases: Callable[[str], RunResult]) -> None:
    result = run_cases(language)
    assert case in result.cases, result.error or f"the runner printed no result of {case}"
    assert result.cases[case]["passed"], result.cases[case]["differences"]
    assert not result.server_differences.get(case, "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_runner_succeeds_and_prints_only_the_cases(
    language: str, run_cases: Callable[[str], RunResult]
) -> None:
    result = run_cases(language)
    assert not result.error
    assert set(result.cases) == {path.stem for path in CASES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_client_of_the_last_release(language: str, targets: Targets, tmp_path: Path) -> None:
    """It is built from the history, and runs the cases of its release against the services of this one."""
    result = _run_cases(language, targets, tmp_path / f"released-{language}", check_out_release())
    assert result.cases, result.error
    differences = {
        name: case["differences"] or result.server_differences.get(name, "")
        for name, case in result.cases.items()
    }
    assert {name: text for name, text in differences.items() if text} == {}
    assert not result.error


@pytest.mark.parametrize(
    ("language", "name"),
    [(language, name) for name, example in EXAMPLES.items() for language in example["languages"]],
)
def test_example(language: str, name: str, targets: Targets) -> None:
    example = EXAMPLES[name]
    error = build(language, ROOT / "examples" / language)
    assert not error, error
    command = [ROOT / "examples" / language / "run", name, *example.get("arguments", [])]
    order_id = _finish_order(targets) if "follows_order" in example else ""
    expected = [pattern.replace("OUT_ORDER_ID", order_id) for pattern in example["stdout"]]
    run = _run_consumer if "pushed_topic" in example or order_id else _run_example
    code, out, err = run(command, example | {"stdout": expected}, targets)
    assert code == (SIGTERM_EXIT_CODES.get(language, 0) if run is _run_consumer else 0), err[-4000:]
    assert _matches(expected, out.splitlines()), f"{out}\n{err[-2000:]}"
    if order_id:
        synced = targets.sandbox.admin("GET", f"synced/orders/{order_id}")
        assert synced["order"]["status"] == "success"
        assert len(synced["logistics"]) == 1


def _finish_order(targets: Targets) -> str:
    """Create a purchase order and sync its order, have it shipped and completed; return the site's id."""
    with nationalsite_client.connect(targets.services["ORDER_SYNC"].address, "order_sync") as channel:
        orders = OrderSyncServiceStub(channel)
        creation = build_creation()
        (created,) = orders.CreatePurchaseOrders(creation, timeout=RUN_TIMEOUT_S).purchase_orders
        read = protos.GetPurchaseOrderRequest(cbu_order_id=created.cbu_order_id)
        entry = orders.GetPurchaseOrder(read, timeout=RUN_TIMEOUT_S).purchase_order.entries[0]
        order = protos.Order(
            national_order_id=creation.out_order_id,
            pay_status=protos.DOWNSTREAM_ORDER_STATUS_PAID,
            out_member_id="1212113",
            paid_fee=created.total_amount,
        )
        order.create_time.GetCurrentTime()
        order.pay_time.GetCurrentTime()
        order.sub_orders.add(
            national_sub_order_id=f"{creation.out_order_id}-1",
            refund_status=protos.DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED,
            offer_id=entry.offer_id,
            product_name=entry.subject,
            sku_id=entry.sku_id,
            sku_name=";".join(attribute.value for attribute in entry.sku_attributes),
            buy_amount=int(entry.quantity.value),
            paid_fee=entry.line_amount,
        )
        orders.SyncOrder(protos.SyncOrderRequest(order=order), timeout=RUN_TIMEOUT_S)
    for transition in ("pay", "ship", "receive", "succeed"):
        targets.sandbox.admin("POST", f"orders/{created.cbu_order_id}/{transition}", {})
    return creation.out_order_id


def _run_example(
    command: list[str | Path], _example: dict[str, Any], targets: Targets
) -> tuple[int, str, str]:
    process = run_process(command, RUN_TIMEOUT_S, targets.environment())
    return process.returncode, process.stdout, process.stderr


def _run_consumer(
    command: list[str | Path], example: dict[str, Any], targets: Targets
) -> tuple[int, str, str]:
    """Push messages, if needed, until the example has printed the expected lines, then terminate it."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as stderr,
        subprocess.Popen(  # noqa: S603 # our own scripts
            command,
            cwd=ROOT,
            env=targets.environment(),
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
            start_new_session=True,
        ) as process,
    ):
        lines: list[str] = []
        reader = threading.Thread(target=_collect_lines, args=(process.stdout, lines), daemon=True)
        reader.start()
        try:
            deadline = time.monotonic() + WAIT_TIMEOUT_S
            while (
                not _matches(example["stdout"], lines)
                and process.poll() is None
                and time.monotonic() < deadline
            ):
                if "pushed_topic" in example:
                    targets.sandbox.admin("POST", "messages", {"topic": example["pushed_topic"]})
                time.sleep(0.25)
            process.terminate()
            process.wait(WAIT_TIMEOUT_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            reader.join()
        stderr.seek(0)
        return process.returncode, "".join(lines), stderr.read()


def _collect_lines(stream: IO[str], lines: list[str]) -> None:
    for line in stream:
        lines.append(line)


def _matches(patterns: list[str], lines: list[str]) -> bool:
    """Whether each pattern matches a line, in this order."""
    remaining = iter(list(lines))
    return all(any(re.fullmatch(pattern, line.rstrip("\n")) for line in remaining) for pattern in patterns)
