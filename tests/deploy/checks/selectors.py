"""Checks of labels, selectors and ports."""

from collections.abc import Callable, Mapping, Sequence

from tests.deploy.checks.manifest_fields import (
    PART_OF,
    PROBES,
    Problems,
    only_container,
    pod_template,
    port_names,
    select_workloads,
)
from tests.deploy.kustomize import NAMESPACE, Object, filter_kind, qualified_name


def ownership(objects: Sequence[Object]) -> Problems:
    """Every object has the part-of label, is in the namespace, and is defined once."""
    seen = set()
    for one in objects:
        meta = one["metadata"]
        if (
            one["kind"] not in {"ConfigMap", "Secret"}
            and meta.get("labels", {}).get(PART_OF) != "nationalsite"
        ):
            yield f"{qualified_name(one)} is not labelled as part of nationalsite"
        if (meta["name"] if one["kind"] == "Namespace" else meta.get("namespace")) != NAMESPACE:
            yield f"{qualified_name(one)} is not in the namespace {NAMESPACE}"
        if qualified_name(one) in seen:
            yield f"{qualified_name(one)} is defined twice"
        seen.add(qualified_name(one))


def selectors(objects: Sequence[Object]) -> Problems:
    """Every selector selects the pods of exactly one workload, its own."""
    for one in filter_kind(objects, "Deployment"):
        labels = one["spec"]["selector"]["matchLabels"]
        if select_workloads(objects, labels) != [one]:
            yield f"{qualified_name(one)} does not select its own pods alone"
        for spread in pod_template(one)["spec"].get("topologySpreadConstraints", []):
            if spread["labelSelector"]["matchLabels"] != labels:
                yield f"{qualified_name(one)} spreads pods that are not its own"
    for one in objects:
        for labels in _SELECTORS.get(one["kind"], lambda _: [])(one):
            found = select_workloads(objects, labels)
            if len(found) != 1:
                yield f"{qualified_name(one)} selects {[qualified_name(each) for each in found]}"


def _mesh_selector(one: Object) -> list[Object]:
    return [one["spec"]["selector"]["matchLabels"]] if "selector" in one["spec"] else []


_SELECTORS: Mapping[str, Callable[[Object], list[Object]]] = {
    "Service": lambda one: [one["spec"]["selector"]],
    "PodDisruptionBudget": lambda one: [one["spec"]["selector"]["matchLabels"]],
    "NetworkPolicy": lambda one: (
        [one["spec"]["podSelector"]["matchLabels"]] if one["spec"]["podSelector"] else []
    ),
    # Istio's kinds.
    "AuthorizationPolicy": _mesh_selector,
    "PeerAuthentication": _mesh_selector,
}


def ports(objects: Sequence[Object]) -> Problems:
    """Every referenced port is a port of the container."""
    for one in filter_kind(objects, "Service"):
        for workload in select_workloads(objects, one["spec"]["selector"]):
            known = port_names(workload)
            for port in one["spec"]["ports"]:
                if port["targetPort"] not in known:
                    yield f"{qualified_name(one)} points to a port {port['targetPort']} that does not exist"
                elif port["port"] != known[port["targetPort"]]:
                    yield f"{qualified_name(one)}: port {port['name']} differs from the container's"
                if port["name"] == "grpc" and port.get("appProtocol") != "grpc":
                    yield f"{qualified_name(one)} has no appProtocol grpc"
    for one in filter_kind(objects, "Deployment"):
        known = port_names(one)
        for kind in PROBES:
            probe = only_container(one).get(kind, {})
            asked = probe.get("grpc", {}).get("port"), probe.get("httpGet", {}).get("port")
            if not {known.get("grpc"), "http", None}.issuperset(asked) or asked == (None, None):
                yield f"{qualified_name(one)}: {kind} uses a port that the container does not have"
            if asked[1] and asked[1] not in known:
                yield f"{qualified_name(one)}: {kind} uses a port that the container does not have"
    yield from _policy_ports(objects)


def _policy_ports(objects: Sequence[Object]) -> Problems:
    for one in filter_kind(objects, "NetworkPolicy"):
        own = select_workloads(objects, one["spec"]["podSelector"].get("matchLabels", {"": ""}))
        for rule in one["spec"].get("ingress", []):
            yield from _unknown_ports(one, own, rule)
        for rule in one["spec"].get("egress", []):
            peers = [
                each["podSelector"]["matchLabels"]
                for each in rule.get("to", [])
                if "podSelector" in each and "namespaceSelector" not in each
            ]
            for labels in peers:
                # If a service is applied alone, the peer is not among the objects.
                yield from _unknown_ports(one, select_workloads(objects, labels), rule)


def _unknown_ports(policy: Object, targets: Sequence[Object], rule: Object) -> Problems:
    for port in rule.get("ports", []):
        for target in targets:
            if isinstance(port["port"], str) and port["port"] not in port_names(target):
                yield f"{qualified_name(policy)} allows a port {port['port']} that does not exist"
