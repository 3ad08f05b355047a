"""No secret and nothing of a buyer is told: made-up ones go through every RPC and fault, and are looked for.

Looked for in errors (message, details, trailers), logs, spans and metrics. The text of requests that is not
personal, such as search words, may come back to its own caller in 1688's words, and stands nowhere else.
"""

import json
import random
import time
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message

from tests.e2e.conftest import DIALECTS, Rpcs
from tests.e2e.test_messages import post, signature
from tests.support.sample_cases import SERVED_RPCS, SERVICES, request_cases
from tests.support.trace_collector import TraceCollector, trace_collector
from tools.local_stack import SANDBOX_APP, RunningProcess, start_service, stop

TIMEOUT_S = 0.5
"""For faults that never answer; all others are done long before."""
CALLS = [case for case in request_cases() if case.rpc in SERVED_RPCS]
DURABLE = {
    "SyncOrder": "sync_order",
    "WriteOrderRelations": "write_order_relations",
    "SyncOrderStatus": "sync_order_status",
    "SyncLogisticsOrder": "sync_logistics_order",
    "SyncLogisticsStatus": "sync_logistics_status",
}
"""What EnqueueSync takes, by its field there."""
WITHIN_S = 20
SECRETS = (SANDBOX_APP["NATIONALSITE_APP_SECRET"], SANDBOX_APP["NATIONALSITE_ACCESS_TOKEN"])
ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "あいうえおかきくけこ", "王小明李大华陈美丽", "ÀÉÎÕÜßđạẵữợ")
FREE_TEXT = ("keyword",)
"""Fields that hold what a buyer may have typed."""

WORDS = ("mobile_area",)
"""Fields that are marked, and hold one of a few words."""


class Persons:
    """Makes up personal data, never twice the same, and remembers it."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.told: list[str] = []

    def value(self, name: str) -> str:
        """A value that fits a field of this name."""
        made = {"ip": self._ip, "mobile": self._mobile, "email": self._email}.get(name, self._name)()
        self.told.append(made)
        return made

    def token(self) -> str:
        """A secret that comes with a call."""
        self.told.append(self._letters(ALPHABETS[0], 24))
        return self.told[-1]

    def _name(self) -> str:
        return self._letters(self._random.choice(ALPHABETS), self._random.randint(8, 16))

    def _email(self) -> str:
        word = ALPHABETS[0]
        return f"{self._letters(word, 8)}.{self._letters(word, 4)}@{self._letters(word, 8)}.example"

    def _mobile(self) -> str:
        return self._random.choice(("", "+")) + "9" + self._letters("0123456789", 10)

    def _ip(self) -> str:
        if self._random.random() < 0.5:
            return ".".join(str(self._random.randint(100, 255)) for _ in range(4))
        return ":".join(f"{self._random.randint(0x1000, 0xFFFF):x}" for _ in range(8))

    def _letters(self, alphabet: str, number: int) -> str:
        return "".join(self._random.choices(alphabet, k=number))


def filled(message: Message, persons: Persons, *, within: bool = False) -> None:
    """Puts made-up values into free texts, and into every field that is marked or stands within one."""
    for descriptor in message.DESCRIPTOR.fields:
        marked = within or descriptor.GetOptions().debug_redact
        present = not descriptor.is_repeated and descriptor.has_presence and message.HasField(descriptor.name)
        if descriptor.message_type and (present or descriptor.is_repeated):
            held = getattr(message, descriptor.name)
            for each in held if descriptor.is_repeated else (held,):
                if isinstance(each, Message):
                    filled(each, persons, within=marked)
        elif descriptor.type == descriptor.TYPE_STRING and not descriptor.is_repeated:
            personal = marked and descriptor.name not in WORDS
            if personal or descriptor.name in FREE_TEXT:
                setattr(message, descriptor.name, persons.value(descriptor.name))


def faults(echoed: str) -> list[dict[str, Any] | None]:
    """Every kind of fault of the sandbox, and answers in which 1688 repeats what it was sent."""
    refusal = {"success": False, "code": echoed, "message": echoed, "errorCode": echoed, "errorMsg": echoed}
    gateway = {
        "error_code": "gw.APIACLDecline",
        "error_message": echoed,
        "exception": echoed,
        "request_id": echoed,
    }
    return [
        None,
        {"status": 200, "json": refusal},
        {"status": 200, "json": {"result": refusal, "success": False, "errorMessage": echoed.upper()}},
        {"status": 200, "json": {"success": True, "data": echoed, "result": echoed}},
        {"status": 403, "json": gateway},
        {"status": 503, "body": echoed},
        {"status": 200, "body": f'{{"broken": "{echoed}'},
        {"status": 200, "body": echoed},
        {"gateway_error": "gw.QosAppFrequencyLimit"},
        {"gateway_error": "gw.SignatureInvalid"},
        {"malformed": True},
        {"truncate": 20},
        {"drop": "before_request"},
        {"drop": "after_request"},
        {"token_expired": True},
        {"hang": True},
    ]


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Services that are traced, and what they told."""

    processes: dict[tuple[str, str], RunningProcess]
    collector: TraceCollector
    metrics: list[str] = field(default_factory=list)

    def stop(self) -> None:
        for process in self.processes.values():
            with urllib.request.urlopen(f"{process.http}/metrics", timeout=10) as answer:
                self.metrics.append(answer.read().decode())
            assert stop(process) == 0

    def told(self) -> dict[str, str]:
        """Everything that left the processes, by kind."""
        return {
            "logs": "".join(process.log.read_text() for process in self.processes.values()),
            "metrics": "".join(self.metrics),
            "spans": b"".join(self.collector.raw).decode(errors="replace"),
        }


@pytest.fixture
def suite(running_sandbox: RunningProcess, request: pytest.FixtureRequest) -> Iterator[Suite]:
    """Every service, in the dialects of the parameter."""
    keys = [(service, dialect) for service in SERVICES for dialect in request.param]
    with ExitStack() as opened:
        collector, variables = opened.enter_context(trace_collector("http/protobuf"))

        def start(key: tuple[str, str]) -> RunningProcess:
            settings = {"NATIONALSITE_DIALECT": key[1], "NATIONALSITE_LOG_LEVEL": "debug", **variables}
            started = start_service(
                key[0], running_sandbox.address, settings, log=f"test-redaction-{key[0]}-{key[1]}"
            )
            opened.callback(stop, started)
            return started

        with ThreadPoolExecutor() as pool:
            processes = dict(zip(keys, pool.map(start, keys), strict=True))
        yield Suite(processes=processes, collector=collector)


def leaks(told: str, persons: list[str]) -> list[str]:
    lower = told.lower()
    return [value for value in (*SECRETS, *persons) if value.lower() in lower]


def call(method: grpc.UnaryUnaryMultiCallable, message: Message, headers: Any) -> str:
    """All that a caller is told of a failure; empty for a success."""
    try:
        method(message, timeout=TIMEOUT_S, metadata=headers)
    except grpc.RpcError as error:
        metadata: Any = error.trailing_metadata() or ()
        trailers = [value for _, value in metadata]
        texts = [each.decode(errors="replace") if isinstance(each, bytes) else each for each in trailers]
        return "\n".join([str(error), error.details() or "", *texts])
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("suite", [DIALECTS], indirect=True)
def test_nothing_private_is_told(suite: Suite, sandbox: Any) -> None:
    seed = random.SystemRandom().getrandbits(32)
    persons = Persons(seed)
    rpcs = Rpcs(suite.processes)
    dialects = {dialect for _, dialect in suite.processes}
    calls = failures = 0
    for case in (each for each in CALLS if each.dialect in dialects):
        for number in range(2 * len(faults(""))):
            message, private = rpcs.request(case.rpc, case.request), len(persons.told)
            filled(message, persons)
            personal = [value for value in persons.told[private:] if value not in free_texts(message)]
            echoed = " ".join(["sorry,", *SECRETS, *persons.told[private:], "is no good"])
            sandbox.admin("POST", "reset")
            if fault := faults(echoed)[number % len(faults(""))]:
                sandbox.fault(fault, times=5)
            if number % 7 == 6:
                break_a_rule(message)
            headers = (("authorization", f"Bearer {persons.token()}"), ("cookie", persons.token()))
            told = call(rpcs.method(case.rpc, case.dialect), message, headers)
            assert not leaks(told, personal), (seed, case.name, fault, told)
            calls += 1
            failures += bool(told)
    for dialect in dialects:
        deliver(dialect, rpcs, persons, sandbox)
        push(suite.processes["order_sync", dialect].callback, persons)
    rpcs.close()
    suite.stop()
    for kind, told in suite.told().items():
        assert told
        assert not leaks(told, persons.told), (seed, kind)
    assert failures > calls / 2
    assert len(suite.collector.spans()) > calls


def deliver(dialect: str, rpcs: Rpcs, persons: Persons, sandbox: Any) -> None:
    """Enqueues every sync, and waits until each was sent once, into a fault that repeats what it got."""
    cases = [case for case in CALLS if case.dialect == dialect and case.rpc in DURABLE]
    assert cases
    for number, case in enumerate(cases):
        sync = {name: value for name, value in case.request.items() if name != "request_id"}
        message = rpcs.request("EnqueueSync", {"request_id": str(uuid.uuid4()), DURABLE[case.rpc]: sync})
        private = len(persons.told)
        filled(message, persons)
        echoed = " ".join([*SECRETS, *persons.told[private:]])
        answers = [fault for fault in faults(echoed) if fault and "hang" not in fault]
        sandbox.admin("POST", "reset")
        sandbox.fault(answers[number % len(answers)], times=3)
        accepted = rpcs.method("EnqueueSync", dialect)(message, timeout=WITHIN_S).delivery
        asked = {"delivery_id": accepted.delivery_id}
        deadline = time.monotonic() + WITHIN_S
        while not (found := rpcs.call("GetDelivery", dialect, asked)["delivery"]).get("attempts"):
            assert time.monotonic() < deadline
        assert not leaks(json.dumps(found.get("last_error", {})), list(SECRETS))
        if found["state"] == "DELIVERY_STATE_PENDING":
            call(rpcs.method("CancelDelivery", dialect), rpcs.request("CancelDelivery", asked), ())


def push(url: str, persons: Persons) -> None:
    """Sends the callback a message of a buyer, one that cannot be read, and one that somebody forged."""
    buyer = {"msgId": 1, "type": "ORDER_BUYER_VIEW_ORDER_PAY", "userInfo": persons.value("name")}
    text, forged = json.dumps(buyer | {"data": persons.value("name")}), persons.token()
    unreadable = "{" + " ".join(persons.value(name) for name in ("name", "email", "mobile", "ip"))
    for body, sign in ((text, signature), (unreadable, signature), (text, lambda _: forged)):
        form = urlencode({"message": body, "_aop_signature": sign("message" + body)}).encode()
        assert post(url, form) == (200 if sign is signature else 401)


def break_a_rule(message: Message) -> None:
    """Makes every text too long."""
    for descriptor, value in message.ListFields():
        if isinstance(value, str):
            setattr(message, descriptor.name, value * 200)
        elif isinstance(value, Message):
            break_a_rule(value)


def free_texts(message: Message) -> set[str]:
    return {getattr(message, name) for name in FREE_TEXT if name in message.DESCRIPTOR.fields_by_name}


def test_the_requests_are_really_filled() -> None:
    """Otherwise the test above would look for nothing."""
    persons = Persons(1)
    rpcs = Rpcs({})
    marked = set()
    for case in CALLS:
        message = rpcs.request(case.rpc, case.request)
        filled(message, persons)
        text = json.dumps(json_format.MessageToDict(message), ensure_ascii=False)
        marked |= {case.rpc} if any(value in text for value in persons.told) else set()
    assert {"RegisterUser", "SearchByKeyword"} <= marked
