"""A mixed attack on services with TLS and a policy: an honest caller is served, and memory is bounded.

`make attack` runs it for ten minutes, CI for one. Everything goes to loopback, bounded in count and time. The
attackers share the processors with the services and the sandbox. So on a busy machine the attack lasts until
each attacker and the honest caller had their turns, and the bound of latencies only excludes starvation.
"""

import os
import random
import socket
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import grpc
import pytest
import yaml
from nationalsite.ordersync import v1 as ordersync
from nationalsite.product import v1 as product

from tests.support.callbacks import build_body, post, sign
from tests.support.certificates import CertificateAuthority
from tests.support.image_bombs import build_bombs
from tests.support.push_client import build_message, now_ms
from tools.local_stack import ROOT, RunningProcess, start_sandbox, start_service, stop

SECONDS = float(os.environ.get("ATTACK_SECONDS", "0"))
pytestmark = [pytest.mark.faults, pytest.mark.skipif(not SECONDS, reason="make attack sets the duration")]

HONEST, ATTACKER = "spiffe://shop.example/ns/web/sa/front", "spiffe://shop.example/ns/web/sa/attacker"
POLICY = """\
{"rules": [{"callers": ["spiffe://shop.example/*"], "methods": ["*"]}]}
"""
HONEST_TIMEOUT_S = 60.0
MAX_P99_S = 30.0
"""Of the honest caller. It was 15 s on two cores with a load of 20."""
MIN_ATTEMPTS = 3
"""Of each attack."""
MIN_HONEST_CALLS = 30
MAX_S = 300.0
"""For these attempts and calls, after the time of the attack."""
CALL_TIMEOUT_S = 5.0
CONNECTIONS = 150
"""Silent and stalled connections at a time, of each kind."""
FLOOD = 30
"""Calls of the attacker at a time, in each flood."""
PAUSE_S = 0.5
MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The services, and the channels to them."""

    product: RunningProcess
    order_sync: RunningProcess
    authority: CertificateAuthority

    def channel(self, service: RunningProcess, *uris: str, dns: str = "localhost") -> grpc.Channel:
        credentials = self.authority.channel_credentials(self.authority.issue(*uris, dns=dns))
        return grpc.secure_channel(
            service.address,
            credentials,
            [("grpc.ssl_target_name_override", "localhost"), ("grpc.use_local_subchannel_pool", 1)],
        )


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    authority = CertificateAuthority()
    (tmp_path / "ca").write_bytes(authority.cert)
    (tmp_path / "policy").write_text(POLICY)
    files = {
        **authority.issue().write(tmp_path),
        "tls_client_ca_file": tmp_path / "ca",
        "policy_file": tmp_path / "policy",
    }
    settings = {f"NATIONALSITE_{name.upper()}": str(path) for name, path in files.items()}
    settings["NATIONALSITE_DIALECT"] = "national-site"  # it has an operation for each RPC of the attack
    with ExitStack() as exit_stack:
        sandbox = start_sandbox(log="attack-sandbox")
        exit_stack.callback(stop, sandbox)
        running = {}
        for name in ("product", "order_sync"):
            running[name] = start_service(name, sandbox.address, settings, log=f"attack-{name}")
            exit_stack.callback(stop, running[name])
        yield Stack(**running, authority=authority)


@dataclass(slots=True)
class Attack:
    """What attackers do until it ends, and what they saw."""

    stack: Stack
    ended: threading.Event = field(default_factory=threading.Event)
    attempts: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)

    def repeat(self, step: Callable[["Attack"], None]) -> None:
        """Repeat a step until the attack ends. Errors are what an attacker expects."""
        while not self.ended.is_set():
            with suppress(grpc.RpcError, OSError):
                step(self)
            self.attempts[step.__name__] += 1
            self.ended.wait(PAUSE_S)

    def is_done(self) -> bool:
        """Whether each attack was made often enough."""
        return all(self.attempts[step.__name__] >= MIN_ATTEMPTS for step in ATTACKS)

    def flood(self, method: Callable[..., grpc.Future], requests: list[object]) -> None:
        """Make calls at once, and wait for all."""
        calls = [method(request, timeout=CALL_TIMEOUT_S) for request in requests]
        for call in calls:
            call.exception()


def searches(attack: Attack) -> None:
    with attack.stack.channel(attack.stack.product, ATTACKER) as channel:
        requests = [
            product.SearchByKeywordRequest(keyword=f"dress {random.random()}", page_size=2)
            for _ in range(FLOOD)
        ]
        attack.flood(product.ProductServiceStub(channel).SearchByKeyword.future, requests)


def enqueues(attack: Attack) -> None:
    with attack.stack.channel(attack.stack.order_sync, ATTACKER) as channel:
        attack.flood(
            ordersync.OrderSyncServiceStub(channel).EnqueueSync.future,
            [enqueue_request() for _ in range(FLOOD)],
        )


def validation_bombs(attack: Attack) -> None:
    empty = [ordersync.OrderRelation()] * 30_000
    relations = ordersync.EnqueueSyncRequest(
        request_id=str(uuid.uuid4()), relations=ordersync.OrderRelations(relations=empty)
    )
    filters = product.SearchByKeywordRequest(keyword="x", sale_filters=[product.SaleFilter()] * 30_000)
    with attack.stack.channel(attack.stack.order_sync, ATTACKER) as channel:
        attack.flood(ordersync.OrderSyncServiceStub(channel).EnqueueSync.future, [relations] * 10)
    with attack.stack.channel(attack.stack.product, ATTACKER) as channel:
        attack.flood(product.ProductServiceStub(channel).SearchByKeyword.future, [filters] * 10)


def image_bombs(attack: Attack) -> None:
    requests = [
        product.UploadImageRequest(image=content)
        for content, _ in build_bombs().values()
        if len(content) < 5 * MIB
    ]
    with attack.stack.channel(attack.stack.product, ATTACKER) as channel:
        attack.flood(product.ProductServiceStub(channel).UploadImage.future, requests)


def cancelled_streams(attack: Attack) -> None:
    request = ordersync.StreamMessagesRequest(
        open=ordersync.StreamMessagesRequest.Open(subscription="attack", create_if_missing={})
    )
    with attack.stack.channel(attack.stack.order_sync, ATTACKER) as channel:
        stub = ordersync.OrderSyncServiceStub(channel)
        for call in [stub.StreamMessages(iter([request])) for _ in range(50)]:
            call.cancel()


def silent_and_stalled_connections(attack: Attack) -> None:
    address = urlsplit(attack.stack.order_sync.callback)
    head = b"POST /callbacks/1688 HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + b"x" * 50_000
    with ExitStack() as opened:
        for number in range(3 * CONNECTIONS):
            connection = opened.enter_context(
                socket.create_connection((address.hostname, address.port), CALL_TIMEOUT_S)
            )
            connection.sendall((b"", head[:20], head)[number % 3])
        attack.ended.wait(3)


def garbage(attack: Attack) -> None:
    host, _, port = attack.stack.product.address.rpartition(":")
    context = ssl.create_default_context(cadata=attack.stack.authority.cert.decode())
    context.set_alpn_protocols(["h2"])
    with socket.create_connection((host, int(port)), CALL_TIMEOUT_S) as plain:
        plain.sendall(random.randbytes(2_000))
    with (
        socket.create_connection((host, int(port)), CALL_TIMEOUT_S) as raw,
        suppress(ssl.SSLError),
        context.wrap_socket(raw, server_hostname="localhost") as encrypted,
    ):
        encrypted.sendall(random.randbytes(2_000))


def forged_pushes(attack: Attack) -> None:
    message = build_message(random.randrange(10**9), event_time_ms=now_ms())
    signature = sign([("message", message)])
    half = len(message) // 2
    forged = (
        urlencode({"message": message, "_aop_signature": "0" * 40}),
        urlencode({"message": message + " ", "_aop_signature": signature}),
        urlencode({"message" + message[:half]: message[half:], "_aop_signature": signature}),
        urlencode({"messag": "e" + message, "_aop_signature": signature}),
        urlencode([("message", message), ("", ""), ("_aop_signature", signature)]),
        "a=b&" * 50_000,
    )
    for form in forged:
        if post(attack.stack.order_sync.callback, form.encode()) == 200:
            attack.breaches.append(f"a forged push was accepted: {form[:60]}")


def wrong_names(attack: Attack) -> None:
    for uris, dns in (
        ((), HONEST),
        ((HONEST, ATTACKER), "localhost"),
        (("spiffe://other.example/a",), HONEST),
    ):
        with attack.stack.channel(attack.stack.product, *uris, dns=dns) as channel:
            try:
                product.ProductServiceStub(channel).GetFilterConfig(
                    product.GetFilterConfigRequest(), timeout=CALL_TIMEOUT_S
                )
            except grpc.RpcError:
                continue
            attack.breaches.append(f"a certificate with {uris} and {dns} was accepted")


ATTACKS = (
    searches,
    enqueues,
    validation_bombs,
    image_bombs,
    cancelled_streams,
    silent_and_stalled_connections,
    garbage,
    forged_pushes,
    wrong_names,
)


def enqueue_request() -> ordersync.EnqueueSyncRequest:
    number = random.randrange(10**15)
    relation = ordersync.OrderRelation(
        national_order_id=str(number),
        national_sub_order_id=str(number + 1),
        cbu_order_id=number,
        cbu_order_entry_id=number + 1,
    )
    return ordersync.EnqueueSyncRequest(
        request_id=str(uuid.uuid4()), relations=ordersync.OrderRelations(relations=[relation])
    )


def test_an_honest_caller_is_served_during_a_mixed_attack(stack: Stack) -> None:
    attack, latencies_s, failures = Attack(stack), [], []
    peaks_mib: Counter[str] = Counter()
    services = {"product": stack.product, "order-sync": stack.order_sync}

    def watch() -> None:
        while not attack.ended.wait(0.1):
            for name, service in services.items():
                peaks_mib[name] = max(peaks_mib[name], memory_mib(service.process.pid))

    products = product.ProductServiceStub(stack.channel(stack.product, HONEST))
    orders = ordersync.OrderSyncServiceStub(stack.channel(stack.order_sync, HONEST))
    search = product.SearchByKeywordRequest(keyword="dress", page_size=2)
    numbers = iter(range(1, 10**6))
    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        ("SearchByKeyword", lambda: products.SearchByKeyword(search, timeout=HONEST_TIMEOUT_S)),
        ("EnqueueSync", lambda: orders.EnqueueSync(enqueue_request(), timeout=HONEST_TIMEOUT_S)),
        ("push", lambda: push_honestly(stack.order_sync.callback, next(numbers))),
    )
    with ThreadPoolExecutor(len(ATTACKS) + 1) as pool:
        try:
            tasks = [pool.submit(watch), *(pool.submit(attack.repeat, step) for step in ATTACKS)]
            end = time.monotonic() + SECONDS

            def has_ended() -> bool:
                is_done = attack.is_done() and len(latencies_s) >= MIN_HONEST_CALLS
                return time.monotonic() >= (end if is_done else end + MAX_S)

            while not has_ended():
                for name, step in steps:
                    started = time.monotonic()
                    try:
                        step()
                    except grpc.RpcError as error:
                        failures.append(f"{name}: {error.code()}: {error.details()}")
                    except (OSError, AssertionError) as error:
                        failures.append(f"{name}: {error}")
                    latencies_s.append(time.monotonic() - started)
        finally:
            attack.ended.set()
        for task in tasks:
            task.result(60)
    p99_s = sorted(latencies_s)[len(latencies_s) * 99 // 100]
    limits_mib = {name: limit_mib(name) for name in services}
    print(
        f"\nmixed attack of {SECONDS:.0f} s: {len(latencies_s)} honest calls, {len(failures)} failed, "
        f"p99 {p99_s * 1000:.0f} ms; peaks {dict(peaks_mib)} MiB of {limits_mib}; "
        f"attempts {dict(attack.attempts)}"
    )
    assert attack.breaches == []
    assert failures == []
    assert attack.is_done()
    assert len(latencies_s) >= MIN_HONEST_CALLS
    assert p99_s < MAX_P99_S
    for name, service in services.items():
        assert service.process.poll() is None, f"{name} has ended"
        assert peaks_mib[name] < limits_mib[name], f"{name} needs more memory than its pod has"


def push_honestly(url: str, number: int) -> None:
    """Push a new message as 1688 does. Fails unless it is stored."""
    status = post(url, build_body(build_message(number, event_time_ms=now_ms())))
    assert status == 200, status


def limit_mib(service: str) -> int:
    """Return the memory limit of a service's pod."""
    values = yaml.safe_load((ROOT / f"deploy/services/{service}/values.yaml").read_text())
    limit = str(values["data"]["memory-limit"])
    return int(limit[:-2]) * {"Mi": 1, "Gi": 1024}[limit[-2:]]


def memory_mib(pid: int) -> int:
    """Return the resident memory of a process and its children."""
    texts = (path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    with suppress(OSError):
        return sum(map(_resident, [pid, *(int(child) for text in texts for child in text.split())])) // MIB
    return 0


def _resident(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
