"""A cluster of one node and its own network, in which the pods of an environment live through a scenario.

`python -m tests.deploy.cluster SCENARIO DIRECTORY [SECRETS MOUNTS]`, inside a network namespace. It prints as
JSON what was seen, and ends everything that it started.
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
from tests.deploy.rendering import ENVIRONMENTS, Object, named, of_kind, rendered
from tests.support.container import Mount

SERVICES = {
    "product": PRODUCT_SERVICE,
    "order-sync": ORDER_SYNC_SERVICE,
    "account": ACCOUNT_SERVICE,
}
WITHIN_S = 30
LONG_S = 300
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
"""A call of each service that goes to 1688."""

Report = dict[str, Any]


class Cluster:
    """The pods, and how they are called."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.pods: dict[str, Pod] = {}

    def run(self, *names: str) -> Report:
        """Start workloads together; return how long each took to be ready."""
        for name in names:
            self.pods[name] = Pod(self.node, self.workload(name))
            self.pods[name].start()
        return {name: round(self.pods[name].until_ready(), 1) for name in names}

    def workload(self, name: str) -> Object:
        """Return a Deployment or a Job."""
        found = named(self.node.objects, "Deployment", name) or named(self.node.objects, "Job", name)
        assert found is not None, name
        return found

    def port(self, service: str, name: str) -> int:
        """Return where a Service's port leads."""
        found = named(self.node.objects, "Service", service)
        assert found is not None, service
        return int(next(each["port"] for each in found["spec"]["ports"] if each["name"] == name))

    def calling(self, service: str, rpc: str, fields: Mapping[str, Any], timeout_s: float = WITHIN_S) -> Any:
        """Begin a call through a Service."""
        descriptor = SERVICES[service]
        method = descriptor.methods_by_name[rpc]
        channel = grpc.insecure_channel(f"{HOST}:{self.port(service, 'grpc')}")
        call = channel.unary_unary(
            f"/{descriptor.full_name}/{rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        request = json_format.ParseDict(fields, GetMessageClass(method.input_type)())
        return call.future(request, timeout=timeout_s)

    def call(self, service: str, rpc: str, fields: Mapping[str, Any]) -> Report:
        """Call through a Service; return protobuf's JSON."""
        answer = self.calling(service, rpc, fields).result()
        return json_format.MessageToDict(answer, preserving_proto_field_name=True)

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Ask the sandbox's admin side."""
        request = urllib.request.Request(
            f"http://{HOST}:{self.port('sandbox', 'http')}/admin/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
        )
        with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
            return json.loads(answer.read() or b"null")

    def end(self, *names: str) -> Report:
        """Ask pods to end; return how each did, and how long it took, within its grace."""
        began = time.monotonic()
        for name in names:
            self.pods[name].terminate()
        report = {}
        for name in names:
            pod = self.pods[name]
            code = pod.wait(max(0.1, began + pod.grace_s - time.monotonic()))
            report[name] = {
                "exit_code": code,
                "took_s": round(time.monotonic() - began, 1),
                "grace_s": pod.grace_s,
            }
        return report

    def memory(self, *names: str) -> Report:
        """Return what pods hold, beside what they ask for and may have."""
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


def until(happens: Callable[[], bool]) -> None:
    """Wait for something."""
    deadline = time.monotonic() + WITHIN_S
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def local(cluster: Cluster) -> Report:
    """Services are called, take messages, refuse company on a store, and end in the middle of their work."""
    ready = cluster.run("sandbox") | cluster.run(*SERVICES)
    memory = {"idle": cluster.memory(*SERVICES)}
    answers = {service: cluster.call(service, rpc, fields) for service, (rpc, fields) in CALLS.items()}

    pull = {"subscription": "shop", "wait": "5s"}
    cluster.call("order-sync", "PullMessages", pull | {"wait": "0s"})
    cluster.admin("POST", "messages", {"topic": "ORDER_BUYER_VIEW_ORDER_PAY", "times": 3})
    messages: set[str] = set()

    def pulled() -> bool:
        found = cluster.call("order-sync", "PullMessages", pull).get("messages", [])
        messages.update(each["message_id"] for each in found)
        ids = [each["message_id"] for each in found]
        if ids:
            cluster.call("order-sync", "AckMessages", {"subscription": "shop", "message_ids": ids})
        return len(messages) == 3

    until(pulled)

    second = Pod(cluster.node, cluster.workload("order-sync"), log="second")
    second.start(own_network=True)  # else a port that is taken would stop it
    try:
        refused = {"exit_code": second.wait(WITHIN_S), "log": second.log.read_text()}
    finally:
        second.kill()

    for _ in range(300):
        cluster.call("product", *CALLS["product"])
    memory["used"] = cluster.memory(*SERVICES)

    cluster.admin("POST", "faults", {"operation": "*", "times": 1000, "fault": {"hang": True}})
    hanging = [cluster.calling(service, rpc, fields, LONG_S) for service, (rpc, fields) in CALLS.items()]
    enqueue = {"request_id": str(uuid.uuid4()), "write_order_relations": {"relations": [RELATION]}}
    cluster.call("order-sync", "EnqueueSync", enqueue)
    until(lambda: cluster.admin("GET", "state")["in_flight"] >= len(hanging) + 1)
    ended = cluster.end(*SERVICES)
    codes = [each.code().name for each in hanging]
    return {
        "ready_s": ready,
        "answers": answers,
        "messages": len(messages),
        "second": refused,
        "memory": memory,
        "ended": ended,
        "in_flight": codes,
        "sandbox": cluster.end("sandbox"),
    }


def production(cluster: Cluster) -> Report:
    """Without a schema nothing starts; after the migrations all is ready, and ends as soon as it may."""
    early = Pod(cluster.node, cluster.workload("order-sync"), log="early")
    early.start()
    try:
        refused = {"exit_code": early.wait(WITHIN_S), "log": early.log.read_text()}
    finally:
        early.kill()
    migrated = {}
    for job in of_kind(cluster.node.objects, "Job"):
        pod = cluster.pods[job["metadata"]["name"]] = Pod(cluster.node, job)
        pod.start()
        migrated[pod.name] = {"exit_code": pod.wait(WITHIN_S), "log": pod.log.read_text()}
    ready = cluster.run(*SERVICES)
    subscribed = cluster.call("order-sync", "PullMessages", {"subscription": "shop", "wait": "0s"})
    return {
        "early": refused,
        "migrated": migrated,
        "ready_s": ready,
        "subscribed": subscribed,
        "memory": cluster.memory(*SERVICES),
        "ended": cluster.end(*SERVICES),
    }


SCENARIOS: Mapping[str, tuple[tuple[str, ...], Callable[[Cluster], Report]]] = {
    "local": (("local",), local),
    "production": (("production", "production/migrate"), production),
}
"""What is applied, and what then happens."""


@contextmanager
def cluster_of(node: Node) -> Iterator[Cluster]:
    """Yield a cluster; end whatever still runs in it."""
    cluster = Cluster(node)
    try:
        yield cluster
    finally:
        for pod in cluster.pods.values():
            pod.kill()


def main(scenario: str, directory: str, secrets: str = "{}", beside: str = "[]") -> None:
    """Run a scenario."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)  # noqa: S607 # of the new network
    applied, play = SCENARIOS[scenario]
    objects = [each for place in applied for each in rendered(ENVIRONMENTS / place)]
    node = Node(
        objects=objects,
        directory=Path(directory),
        secrets=json.loads(secrets),
        beside=[Mount(source=place, path=place) for place in json.loads(beside)],
    )
    with cluster_of(node) as cluster:
        print(json.dumps(play(cluster)))


if __name__ == "__main__":
    main(*sys.argv[1:])
