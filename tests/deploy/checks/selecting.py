"""Whose everything is, which pods it selects, and which of their ports it means."""

from collections.abc import Callable, Mapping, Sequence

from tests.deploy.checks.reading import (
    PART_OF,
    PROBES,
    Problems,
    container_of,
    pod_of,
    port_names,
    selected,
)
from tests.deploy.rendering import NAMESPACE, Object, name_of, of_kind


def belonging(objects: Sequence[Object]) -> Problems:
    """Everything says whose it is, and lies in the namespace, once."""
    seen = set()
    for one in objects:
        meta = one["metadata"]
        if (
            one["kind"] not in {"ConfigMap", "Secret"}
            and meta.get("labels", {}).get(PART_OF) != "nationalsite"
        ):
            yield f"{name_of(one)} does not say that it is part of nationalsite"
        if (meta["name"] if one["kind"] == "Namespace" else meta.get("namespace")) != NAMESPACE:
            yield f"{name_of(one)} is not in the namespace {NAMESPACE}"
        if name_of(one) in seen:
            yield f"{name_of(one)} comes twice"
        seen.add(name_of(one))


def selectors(objects: Sequence[Object]) -> Problems:
    """Whatever selects pods selects those of one workload: its own."""
    for one in of_kind(objects, "Deployment"):
        labels = one["spec"]["selector"]["matchLabels"]
        if selected(objects, labels) != [one]:
            yield f"{name_of(one)} does not select its own pods alone"
        for spread in pod_of(one)["spec"].get("topologySpreadConstraints", []):
            if spread["labelSelector"]["matchLabels"] != labels:
                yield f"{name_of(one)} spreads pods that are not its own"
    for one in objects:
        for labels in _SELECTORS.get(one["kind"], lambda _: [])(one):
            found = selected(objects, labels)
            if len(found) != 1:
                yield f"{name_of(one)} selects {[name_of(each) for each in found]}"


def _mesh_selector(one: Object) -> list[Object]:
    return [one["spec"]["selector"]["matchLabels"]] if "selector" in one["spec"] else []


_SELECTORS: Mapping[str, Callable[[Object], list[Object]]] = {
    "Service": lambda one: [one["spec"]["selector"]],
    "PodDisruptionBudget": lambda one: [one["spec"]["selector"]["matchLabels"]],
    "NetworkPolicy": lambda one: (
        [one["spec"]["podSelector"]["matchLabels"]] if one["spec"]["podSelector"] else []
    ),
    # Of Istio, where a mesh is switched on.
    "AuthorizationPolicy": _mesh_selector,
    "PeerAuthentication": _mesh_selector,
}


def ports(objects: Sequence[Object]) -> Problems:
    """Every port that is named or numbered is one that the container has."""
    for one in of_kind(objects, "Service"):
        for workload in selected(objects, one["spec"]["selector"]):
            known = port_names(workload)
            for port in one["spec"]["ports"]:
                if port["targetPort"] not in known:
                    yield f"{name_of(one)} leads to a port {port['targetPort']} that is not there"
                elif port["port"] != known[port["targetPort"]]:
                    yield f"{name_of(one)}: port {port['name']} is another one than the container's"
                if port["name"] == "grpc" and port.get("appProtocol") != "grpc":
                    yield f"{name_of(one)} does not say that it speaks gRPC"
    for one in of_kind(objects, "Deployment"):
        known = port_names(one)
        for kind in PROBES:
            probe = container_of(one).get(kind, {})
            asked = probe.get("grpc", {}).get("port"), probe.get("httpGet", {}).get("port")
            if not {known.get("grpc"), "http", None}.issuperset(asked) or asked == (None, None):
                yield f"{name_of(one)}: {kind} asks at no port of its own"
            if asked[1] and asked[1] not in known:
                yield f"{name_of(one)}: {kind} asks at no port of its own"
    yield from _policy_ports(objects)


def _policy_ports(objects: Sequence[Object]) -> Problems:
    for one in of_kind(objects, "NetworkPolicy"):
        own = selected(objects, one["spec"]["podSelector"].get("matchLabels", {"": ""}))
        for rule in one["spec"].get("ingress", []):
            yield from _unknown_ports(one, own, rule)
        for rule in one["spec"].get("egress", []):
            peers = [
                each["podSelector"]["matchLabels"]
                for each in rule.get("to", [])
                if "podSelector" in each and "namespaceSelector" not in each
            ]
            for labels in peers:
                # One that is applied alone finds the other side there.
                yield from _unknown_ports(one, selected(objects, labels), rule)


def _unknown_ports(policy: Object, targets: Sequence[Object], rule: Object) -> Problems:
    for port in rule.get("ports", []):
        for target in targets:
            if isinstance(port["port"], str) and port["port"] not in port_names(target):
                yield f"{name_of(policy)} allows a port {port['port']} that is not there"
