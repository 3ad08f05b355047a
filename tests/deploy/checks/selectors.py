"""Checks of labels, selectors and ports."""

from collections import Counter
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
    """Every object has the part-of label, is in one namespace, and is defined once."""
    seen = set()
    namespace = _namespace(objects)
    for item in objects:
        meta = item["metadata"]
        if (
            item["kind"] not in {"ConfigMap", "Secret"}
            and meta.get("labels", {}).get(PART_OF) != "nationalsite"
        ):
            yield f"{qualified_name(item)} is not labelled as part of nationalsite"
        if (meta["name"] if item["kind"] == "Namespace" else meta.get("namespace")) != namespace:
            yield f"{qualified_name(item)} is not in the namespace {namespace}"
        if qualified_name(item) in seen:
            yield f"{qualified_name(item)} is defined twice"
        seen.add(qualified_name(item))


def _namespace(objects: Sequence[Object]) -> str:
    """Return the namespace of most objects. An overlay may have another one than deploy/environments."""
    return Counter(item["metadata"].get("namespace", NAMESPACE) for item in objects).most_common(1)[0][0]


def selectors(objects: Sequence[Object]) -> Problems:
    """Every selector selects the pods of exactly one workload, its own."""
    for item in filter_kind(objects, "Deployment"):
        labels = item["spec"]["selector"]["matchLabels"]
        if select_workloads(objects, labels) != [item]:
            yield f"{qualified_name(item)} does not select its own pods alone"
        for spread in pod_template(item)["spec"].get("topologySpreadConstraints", []):
            if spread["labelSelector"]["matchLabels"] != labels:
                yield f"{qualified_name(item)} spreads pods that are not its own"
    for item in objects:
        for labels in _SELECTORS.get(item["kind"], lambda _: [])(item):
            matches = select_workloads(objects, labels)
            if len(matches) != 1:
                yield f"{qualified_name(item)} selects {[qualified_name(entry) for entry in matches]}"


def _mesh_selector(item: Object) -> list[Object]:
    return [item["spec"]["selector"]["matchLabels"]] if "selector" in item["spec"] else []


_SELECTORS: Mapping[str, Callable[[Object], list[Object]]] = {
    "Service": lambda item: [item["spec"]["selector"]],
    "PodDisruptionBudget": lambda item: [item["spec"]["selector"]["matchLabels"]],
    "NetworkPolicy": lambda item: (
        [item["spec"]["podSelector"]["matchLabels"]] if item["spec"]["podSelector"] else []
    ),
    # Istio's kinds.
    "AuthorizationPolicy": _mesh_selector,
    "PeerAuthentication": _mesh_selector,
}


def ports(objects: Sequence[Object]) -> Problems:
    """Every referenced port is a port of the container."""
    for item in filter_kind(objects, "Service"):
        for workload in select_workloads(objects, item["spec"]["selector"]):
            known = port_names(workload)
            for port in item["spec"]["ports"]:
                if port["targetPort"] not in known:
                    yield f"{qualified_name(item)} points to a port {port['targetPort']} that does not exist"
                elif port["port"] != known[port["targetPort"]]:
                    yield f"{qualified_name(item)}: port {port['name']} differs from the container's"
                if port["name"] == "grpc" and port.get("appProtocol") != "grpc":
                    yield f"{qualified_name(item)} has no appProtocol grpc"
    for item in filter_kind(objects, "Deployment"):
        known = port_names(item)
        for kind in PROBES:
            probe = only_container(item).get(kind, {})
            requirements = probe.get("grpc", {}).get("port"), probe.get("httpGet", {}).get("port")
            if not {known.get("grpc"), "http", None}.issuperset(requirements) or requirements == (None, None):
                yield f"{qualified_name(item)}: {kind} uses a port that the container does not have"
            if requirements[1] and requirements[1] not in known:
                yield f"{qualified_name(item)}: {kind} uses a port that the container does not have"
    yield from _policy_ports(objects)


def _policy_ports(objects: Sequence[Object]) -> Problems:
    for item in filter_kind(objects, "NetworkPolicy"):
        own = select_workloads(objects, item["spec"]["podSelector"].get("matchLabels", {"": ""}))
        for rule in item["spec"].get("ingress", []):
            yield from _unknown_ports(item, own, rule)
        for rule in item["spec"].get("egress", []):
            peers = [
                entry["podSelector"]["matchLabels"]
                for entry in rule.get("to", [])
                if "podSelector" in entry and "namespaceSelector" not in entry
            ]
            for labels in peers:
                # If a service is applied alone, the peer is not among the objects.
                yield from _unknown_ports(item, select_workloads(objects, labels), rule)


def _unknown_ports(policy: Object, targets: Sequence[Object], rule: Object) -> Problems:
    for port in rule.get("ports", []):
        for target in targets:
            if isinstance(port["port"], str) and port["port"] not in port_names(target):
                yield f"{qualified_name(policy)} allows a port {port['port']} that does not exist"
