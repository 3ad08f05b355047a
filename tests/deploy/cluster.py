"""A cluster of one node, in which the pods of an environment run through a scenario.

`python -m tests.deploy.cluster SCENARIO DIRECTORY [SECRETS MOUNTS]` runs in its own network namespace. It
prints the results as JSON, and stops everything that it started.
"""

import json
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from nationalsite.account.v1 import ACCOUNT_SERVICE
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE
from nationalsite.product.v1 import PRODUCT_SERVICE

from tests.deploy.kubelet import HOST, Node, Pod
from tests.deploy.kustomize import ENVIRONMENTS, OVERLAYS, Object, filter_kind, find_object, render
from tests.support.container import Mount
from tests.support.request_ids import add_request_id

SERVICES = {
    "product": PRODUCT_SERVICE,
    "order-sync": ORDER_SYNC_SERVICE,
    "account": ACCOUNT_SERVICE,
}
CALLER_SECRET = "caller-tls"
"""The Secret with the certificate of the one who calls the services."""
TIMEOUT_S = 30
LONG_TIMEOUT_S = 300
RELATION = {
    "national_order_id": "4590347523948370",
    "national_sub_order_id": "4590347523948375",
    "cbu_order_id": "3209572465452730",
    "cbu_order_entry_id": "3209572465452734",
}
BUYER = {
    "country": "japan",
    "site": "sniff",
    "out_login_name": "hanako",
    "out_member_id": "member-4711",
    "email": "hanako@example.jp",
    "ip": "203.0.113.9",
    "mobile": "0312345678",
    "mobile_area": "JP",
}
CALLS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "product": ("SearchByKeyword", {"keyword": "dress", "country": "japan"}),
    "order-sync": ("WriteOrderRelations", {"relations": [RELATION]}),
    "account": ("RegisterUser", {"country_account": BUYER}),
}
"""A call of each service that calls 1688."""

Report = dict[str, Any]


class Cluster:
    """The pods, and calls to them."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.pods: dict[str, Pod] = {}

    def run(self, *names: str) -> Report:
        """Start workloads at the same time; return how long each needs to be ready."""
        for name in names:
            self.pods[name] = Pod(self.node, self.workload(name))
            self.pods[name].start()
        return {name: round(self.pods[name].wait_until_ready(), 1) for name in names}

    def workload(self, name: str) -> Object:
        """Return a Deployment or a Job."""
        result = find_object(self.node.objects, "Deployment", name) or find_object(
            self.node.objects, "Job", name
        )
        assert result is not None, name
        return result

    def port(self, service: str, name: str) -> int:
        """Return the number of a Service's port."""
        result = find_object(self.node.objects, "Service", service)
        assert result is not None, service
        return int(next(entry["port"] for entry in result["spec"]["ports"] if entry["name"] == name))

    def start_call(
        self, service: str, rpc: str, fields: Mapping[str, Any], timeout_s: float = TIMEOUT_S
    ) -> Any:
        """Start a call through a Service."""
        descriptor = SERVICES[service]
        method = descriptor.methods_by_name[rpc]
        channel = self._channel(f"{HOST}:{self.port(service, 'grpc')}")
        call = channel.unary_unary(
            f"/{descriptor.full_name}/{rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        fields = add_request_id(method.input_type, fields)
        request = json_format.ParseDict(fields, GetMessageClass(method.input_type)())
        return call.future(request, timeout=timeout_s)

    def _channel(self, target: str) -> grpc.Channel:
        """Return a channel with the caller's certificate, if the services ask for one."""
        if (caller := self.node.secrets.get(CALLER_SECRET)) is None:
            return grpc.insecure_channel(target)
        files = (caller[name].encode() for name in ("ca.crt", "tls.key", "tls.crt"))
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(*files))

    def call(self, service: str, rpc: str, fields: Mapping[str, Any]) -> Report:
        """Call through a Service; return protobuf's JSON."""
        answer = self.start_call(service, rpc, fields).result()
        return json_format.MessageToDict(answer, preserving_proto_field_name=True)

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Call the sandbox's admin API."""
        request = urllib.request.Request(
            f"http://{HOST}:{self.port('sandbox', 'http')}/admin/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.loads(answer.read() or b"null")

    def end(self, *names: str) -> Report:
        """Terminate pods; return exit code and duration of each."""
        started = time.monotonic()
        for name in names:
            self.pods[name].terminate()
        report = {}
        for name in names:
            pod = self.pods[name]
            code = pod.wait(max(0.1, started + pod.grace_s - time.monotonic()))
            report[name] = {
                "exit_code": code,
                "took_s": round(time.monotonic() - started, 1),
                "grace_s": pod.grace_s,
            }
        return report

    def memory(self, *names: str) -> Report:
        """Return memory and CPU of pods, with their requests and limits."""
        pods = [(name, self.pods[name]) for name in names]
        return {
            name: {
                "mib": round(pod.memory_mib()),
                "requested": pod.requested("requests"),
                "limit": pod.requested("limits"),
                "cpu_s": round(pod.cpu_s(), 2),
            }
            for name, pod in pods
        }


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.05)


def local(cluster: Cluster) -> Report:
    """Call the services, push messages, start a second replica on SQLite, end them with calls in flight."""
    ready = cluster.run("sandbox") | cluster.run(*SERVICES)
    memory = {"idle": cluster.memory(*SERVICES)}
    answers = {service: cluster.call(service, rpc, fields) for service, (rpc, fields) in CALLS.items()}

    pull = {"subscription": "shop", "wait": "5s"}
    cluster.call("order-sync", "PullMessages", pull | {"create_if_missing": {}, "wait": "0s"})
    cluster.admin("POST", "messages", {"topic": "ORDER_BUYER_VIEW_ORDER_PAY", "times": 3})
    messages: set[str] = set()

    def pulled() -> bool:
        result = cluster.call("order-sync", "PullMessages", pull).get("received_messages", [])
        messages.update(entry["message"]["message_id"] for entry in result)
        ack_ids = [entry["ack_id"] for entry in result]
        if ack_ids:
            cluster.call("order-sync", "AckMessages", {"subscription": "shop", "ack_ids": ack_ids})
        return len(messages) == 3

    wait_until(pulled)

    second = Pod(cluster.node, cluster.workload("order-sync"), log="second")
    second.start(own_network=True)  # so that its ports are free
    try:
        failed_start = {"exit_code": second.wait(TIMEOUT_S), "log": second.log.read_text()}
    finally:
        second.kill()

    for _ in range(300):
        cluster.call("product", *CALLS["product"])
    memory["used"] = cluster.memory(*SERVICES)

    cluster.admin("POST", "faults", {"operation": "*", "times": 1000, "fault": {"hang": True}})
    hanging = [
        cluster.start_call(service, rpc, fields, LONG_TIMEOUT_S) for service, (rpc, fields) in CALLS.items()
    ]
    enqueue = {"request_id": str(uuid.uuid4()), "relations": {"relations": [RELATION]}}
    cluster.call("order-sync", "EnqueueSync", enqueue)
    wait_until(lambda: cluster.admin("GET", "state")["in_flight"] >= len(hanging) + 1)
    exits = cluster.end(*SERVICES)
    codes = [entry.code().name for entry in hanging]
    return {
        "ready_s": ready,
        "answers": answers,
        "messages": len(messages),
        "second": failed_start,
        "memory": memory,
        "ended": exits,
        "in_flight": codes,
        "sandbox": cluster.end("sandbox"),
    }


def production(cluster: Cluster) -> Report:
    """Start without a schema, migrate, start again, end without calls in flight."""
    early = Pod(cluster.node, cluster.workload("order-sync"), log="early")
    early.start()
    try:
        failed_start = {"exit_code": early.wait(TIMEOUT_S), "log": early.log.read_text()}
    finally:
        early.kill()
    migrated = {}
    for job in filter_kind(cluster.node.objects, "Job"):
        pod = cluster.pods[job["metadata"]["name"]] = Pod(cluster.node, job)
        pod.start()
        migrated[pod.name] = {"exit_code": pod.wait(TIMEOUT_S), "log": pod.log.read_text()}
    ready = cluster.run(*SERVICES)
    subscribed = cluster.call(
        "order-sync", "PullMessages", {"subscription": "shop", "create_if_missing": {}, "wait": "0s"}
    )
    return {
        "early": failed_start,
        "migrated": migrated,
        "ready_s": ready,
        "subscribed": subscribed,
        "memory": cluster.memory(*SERVICES),
        "ended": cluster.end(*SERVICES),
    }


SCENARIOS: Mapping[str, tuple[tuple[Path, ...], Callable[[Cluster], Report]]] = {
    "local": ((ENVIRONMENTS / "local",), local),
    # production itself has placeholders, with which no service starts.
    "production": ((OVERLAYS / "shop", OVERLAYS / "shop" / "migrate"), production),
}
"""Scenario -> the applied kustomizations, and its function."""


@contextmanager
def running_cluster(node: Node) -> Iterator[Cluster]:
    """Yield a cluster; kill the pods that still run at the end."""
    cluster = Cluster(node)
    try:
        yield cluster
    finally:
        for pod in cluster.pods.values():
            pod.kill()


def main(scenario: str, directory: str, secrets: str = "{}", host_mounts: str = "[]") -> None:
    """Run a scenario."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)  # noqa: S607 # iproute2
    applied, play = SCENARIOS[scenario]
    objects = [entry for path in applied for entry in render(path)]
    node = Node(
        objects=objects,
        directory=Path(directory),
        secrets=json.loads(secrets),
        host_mounts=[Mount(source=path, path=path) for path in json.loads(host_mounts)],
    )
    with running_cluster(node) as cluster:
        print(json.dumps(play(cluster)))


if __name__ == "__main__":
    main(*sys.argv[1:])
