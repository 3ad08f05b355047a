"""No output contains secrets or personal data.

The tests send made-up values through every RPC and fault, and search for them in errors (message, details,
trailers), logs, spans and metrics. Text of a request that is not personal, such as a keyword, may appear only
in the error that its own caller gets.
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

from services.order_sync.delivery_payloads import FIELD_BY_RPC
from tests.e2e.conftest import DIALECTS, RpcClient
from tests.support.callbacks import post, sign
from tests.support.sample_cases import SERVED_RPCS, SERVICES, request_cases
from tests.support.sandbox_client import SandboxClient
from tests.support.trace_collector import TraceCollector, trace_collector
from tools.local_stack import SANDBOX_APP, RunningProcess, start_service, stop

CALL_TIMEOUT_S = 0.5
"""Only calls that get no response take so long."""
CALLS = [case for case in request_cases() if case.rpc in SERVED_RPCS]
TIMEOUT_S = 20
SECRETS = (SANDBOX_APP["NATIONALSITE_APP_SECRET"], SANDBOX_APP["NATIONALSITE_ACCESS_TOKEN"])
ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "あいうえおかきくけこ", "王小明李大华陈美丽", "ÀÉÎÕÜßđạẵữợ")
FREE_TEXT_FIELDS = ("keyword",)
"""Fields with text that a buyer may have typed."""
ENUMERATED_FIELDS = ("mobile_area",)
"""Fields that are marked as personal, but hold one of a few fixed values."""


class PersonalData:
    """Makes up unique personal values, and records them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.values: list[str] = []

    def value(self, name: str) -> str:
        """Make up a value for a field of this name."""
        value = {"ip": self._ip, "mobile": self._mobile, "email": self._email}.get(name, self._name)()
        self.values.append(value)
        return value

    def token(self) -> str:
        """Make up a secret that a call carries."""
        self.values.append(self._letters(ALPHABETS[0], 24))
        return self.values[-1]

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


def fill(message: Message, personal_data: PersonalData, *, inside_marked: bool = False) -> None:
    """Put made-up values into free text, and into every field that is marked or inside a marked message."""
    for descriptor in message.DESCRIPTOR.fields:
        marked = inside_marked or descriptor.GetOptions().debug_redact
        present = not descriptor.is_repeated and descriptor.has_presence and message.HasField(descriptor.name)
        if descriptor.message_type and (present or descriptor.is_repeated):
            value = getattr(message, descriptor.name)
            for element in value if descriptor.is_repeated else (value,):
                if isinstance(element, Message):
                    fill(element, personal_data, inside_marked=marked)
        elif descriptor.type == descriptor.TYPE_STRING and not descriptor.is_repeated:
            personal = marked and descriptor.name not in ENUMERATED_FIELDS
            if personal or descriptor.name in FREE_TEXT_FIELDS:
                setattr(message, descriptor.name, personal_data.value(descriptor.name))


def build_faults(echo: str) -> list[dict[str, Any] | None]:
    """Return every kind of fault of the sandbox, and responses in which 1688 repeats the request."""
    error = {"success": False, "code": echo, "message": echo, "errorCode": echo, "errorMsg": echo}
    gateway = {
        "error_code": "gw.APIACLDecline",
        "error_message": echo,
        "exception": echo,
        "request_id": echo,
    }
    return [
        None,
        {"status": 200, "json": error},
        {"status": 200, "json": {"result": error, "success": False, "errorMessage": echo.upper()}},
        {"status": 200, "json": {"success": True, "data": echo, "result": echo}},
        {"status": 403, "json": gateway},
        {"status": 503, "body": echo},
        {"status": 200, "body": f'{{"broken": "{echo}'},
        {"status": 200, "body": echo},
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
class TracedServices:
    """Services that export their spans to a collector, and all that they output."""

    processes: dict[tuple[str, str], RunningProcess]
    collector: TraceCollector
    metrics: list[str] = field(default_factory=list)

    def stop(self) -> None:
        """Read the metrics of each service, and stop it."""
        for process in self.processes.values():
            with urllib.request.urlopen(f"{process.http}/metrics", timeout=10) as response:
                self.metrics.append(response.read().decode())
            assert stop(process) == 0

    def outputs(self) -> dict[str, str]:
        """Return everything that left the processes, by kind."""
        return {
            "logs": "".join(process.log.read_text() for process in self.processes.values()),
            "metrics": "".join(self.metrics),
            "spans": b"".join(self.collector.raw_requests).decode(errors="replace"),
        }


@pytest.fixture
def traced_services(
    running_sandbox: RunningProcess, request: pytest.FixtureRequest
) -> Iterator[TracedServices]:
    """Every service, in each dialect of the parameter."""
    keys = [(service, dialect) for service in SERVICES for dialect in request.param]
    with ExitStack() as exit_stack:
        collector, variables = exit_stack.enter_context(trace_collector("http/protobuf"))

        def start(key: tuple[str, str]) -> RunningProcess:
            settings = {"NATIONALSITE_DIALECT": key[1], "NATIONALSITE_LOG_LEVEL": "debug", **variables}
            started = start_service(
                key[0], running_sandbox.address, settings, log=f"test-redaction-{key[0]}-{key[1]}"
            )
            exit_stack.callback(stop, started)
            return started

        with ThreadPoolExecutor() as pool:
            processes = dict(zip(keys, pool.map(start, keys), strict=True))
        yield TracedServices(processes=processes, collector=collector)


def find_leaks(output: str, values: list[str]) -> list[str]:
    """Return the secrets and the values that an output contains."""
    lower = output.lower()
    return [value for value in (*SECRETS, *values) if value.lower() in lower]


def call(method: grpc.UnaryUnaryMultiCallable, message: Message, headers: Any) -> str:
    """Call; return everything that an error tells the caller, or an empty text."""
    try:
        method(message, timeout=CALL_TIMEOUT_S, metadata=headers)
    except grpc.RpcError as error:
        metadata: Any = error.trailing_metadata() or ()
        trailers = [value for _, value in metadata]
        texts = [value.decode(errors="replace") if isinstance(value, bytes) else value for value in trailers]
        return "\n".join([str(error), error.details() or "", *texts])
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("traced_services", [DIALECTS], indirect=True)
def test_no_output_contains_private_data(traced_services: TracedServices, sandbox: Any) -> None:
    seed = random.SystemRandom().getrandbits(32)
    personal_data = PersonalData(seed)
    client = RpcClient(traced_services.processes)
    dialects = {dialect for _, dialect in traced_services.processes}
    calls = failures = 0
    for case in CALLS:
        if case.dialect not in dialects:
            continue
        for number in range(len(build_faults(""))):
            request = {name: value for name, value in case.request.items() if name != "request_id"}
            message, first = client.request(case.rpc, request), len(personal_data.values)
            fill(message, personal_data)
            personal = [value for value in personal_data.values[first:] if value not in free_texts(message)]
            echo = " ".join(["sorry,", *SECRETS, *personal_data.values[first:], "is no good"])
            sandbox.admin("POST", "reset")
            if fault := build_faults(echo)[number % len(build_faults(""))]:
                sandbox.inject_fault(fault, times=5)
            if number % 7 == 6:
                make_invalid(message)
            headers = (
                ("authorization", f"Bearer {personal_data.token()}"),
                ("cookie", personal_data.token()),
            )
            output = call(client.method(case.rpc, case.dialect), message, headers)
            assert not find_leaks(output, personal), (seed, case.name, fault, output)
            calls += 1
            failures += bool(output)
    for dialect in dialects:
        enqueue_all(dialect, client, personal_data, sandbox)
        push_messages(traced_services.processes["order_sync", dialect].callback, personal_data)
    client.close()
    traced_services.stop()
    for kind, output in traced_services.outputs().items():
        assert output
        assert not find_leaks(output, personal_data.values), (seed, kind)
    assert failures > calls / 2
    assert len(traced_services.collector.spans()) > calls


def enqueue_all(dialect: str, client: RpcClient, personal_data: PersonalData, sandbox: SandboxClient) -> None:
    """Enqueue every sync, and wait until each was sent once. 1688's response repeats the request."""
    cases = [case for case in CALLS if case.dialect == dialect and case.rpc in FIELD_BY_RPC]
    assert cases
    for number, case in enumerate(cases):
        content = case.request[FIELD_BY_RPC[case.rpc]]
        sync = {"relations": content} if isinstance(content, list) else content
        message = client.request(
            "EnqueueSync", {"request_id": str(uuid.uuid4()), FIELD_BY_RPC[case.rpc]: sync}
        )
        first = len(personal_data.values)
        fill(message, personal_data)
        echo = " ".join([*SECRETS, *personal_data.values[first:]])
        responses = [fault for fault in build_faults(echo) if fault and "hang" not in fault]
        sandbox.admin("POST", "reset")
        sandbox.inject_fault(responses[number % len(responses)], times=3)
        accepted = client.method("EnqueueSync", dialect)(message, timeout=TIMEOUT_S).delivery
        request = {"delivery_id": accepted.delivery_id}
        deadline = time.monotonic() + TIMEOUT_S
        while not (delivery := client.call("GetDelivery", dialect, request)["delivery"]).get("attempts"):
            assert time.monotonic() < deadline
        assert not find_leaks(json.dumps(delivery.get("last_error", {})), list(SECRETS))
        if delivery["state"] == "DELIVERY_STATE_PENDING":
            call(client.method("CancelDelivery", dialect), client.request("CancelDelivery", request), ())


def push_messages(url: str, personal_data: PersonalData) -> None:
    """Push a message about a buyer, an unreadable one, and a forged one."""
    buyer = {"msgId": 1, "type": "ORDER_BUYER_VIEW_ORDER_PAY", "userInfo": personal_data.value("name")}
    text = json.dumps(buyer | {"data": personal_data.value("name")})
    unreadable = "{" + " ".join(personal_data.value(name) for name in ("name", "email", "mobile", "ip"))
    for message, signature, status in (
        (text, sign([("message", text)]), 200),
        (unreadable, sign([("message", unreadable)]), 200),
        (text, personal_data.token(), 401),
    ):
        assert post(url, urlencode({"message": message, "_aop_signature": signature}).encode()) == status


def make_invalid(message: Message) -> None:
    """Make every text too long."""
    for descriptor, value in message.ListFields():
        if isinstance(value, str):
            setattr(message, descriptor.name, value * 200)
        elif isinstance(value, Message):
            make_invalid(value)


def free_texts(message: Message) -> set[str]:
    """Return the free text of a message."""
    return {getattr(message, name) for name in FREE_TEXT_FIELDS if name in message.DESCRIPTOR.fields_by_name}


def test_the_requests_contain_personal_data() -> None:
    """Else the test above would search for nothing."""
    personal_data = PersonalData(1)
    client = RpcClient({})
    filled = set()
    for case in CALLS:
        message = client.request(case.rpc, case.request)
        fill(message, personal_data)
        text = json.dumps(json_format.MessageToDict(message), ensure_ascii=False)
        filled |= {case.rpc} if any(value in text for value in personal_data.values) else set()
    assert {"RegisterUser", "SearchByKeyword"} <= filled
