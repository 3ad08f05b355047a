"""Checks of hardening: security contexts, resources, network policies, disruptions."""

from collections.abc import Sequence
from ipaddress import ip_network

from tests.deploy.checks.manifest_fields import Problems, only_container, pod_template, workloads
from tests.deploy.kustomize import Object, filter_kind, find_object, qualified_name


def security(objects: Sequence[Object]) -> Problems:
    """Pods satisfy the profile `restricted`, are read-only, and have no API token and no secret variables."""
    for item in workloads(objects):
        pod, container = pod_template(item)["spec"], only_container(item)
        own = container["securityContext"]
        context = pod.get("securityContext", {})
        requirements = {
            "runs as root": context.get("runAsNonRoot") is True and context.get("runAsUser", 0) > 0,
            "has no seccomp profile": context.get("seccompProfile") == {"type": "RuntimeDefault"},
            "can write to its root": own.get("readOnlyRootFilesystem") is True,
            "can gain privileges": own.get("allowPrivilegeEscalation") is False,
            "has capabilities": own.get("capabilities") == {"drop": ["ALL"]},
            "mounts an API token": pod.get("automountServiceAccountToken") is False,
            "uses a namespace of the host": not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(),
            "has a volume of the host": not any("hostPath" in entry for entry in pod.get("volumes", [])),
            "has secrets in variables": not any(
                "secretRef" in entry for entry in container.get("envFrom", [])
            )
            and not any("valueFrom" in entry for entry in container.get("env", [])),
        }
        yield from (f"{qualified_name(item)} {problem}" for problem, fine in requirements.items() if not fine)
    for item in filter_kind(objects, "ServiceAccount"):
        if item.get("automountServiceAccountToken") is not False:
            yield f"{qualified_name(item)} mounts an API token"


def resources(objects: Sequence[Object]) -> Problems:
    """CPU and memory are requested, only memory is limited, images have a version."""
    for item in workloads(objects):
        requirements = only_container(item).get("resources", {})
        if requirements.get("requests", {}).keys() != {"cpu", "memory"} or requirements.get(
            "limits", {}
        ).keys() != {"memory"}:
            yield f"{qualified_name(item)} has wrong requests or limits"
        _, _, tag = only_container(item)["image"].rpartition("/")[2].partition(":")
        if tag in {"", "latest"}:
            yield f"{qualified_name(item)} has an image without a version"


def networks(objects: Sequence[Object]) -> Problems:
    """Every pod has policies for both directions; no policy allows all peers or all ports."""
    policies = filter_kind(objects, "NetworkPolicy")
    for item in workloads(objects):
        labels = pod_template(item)["metadata"]["labels"]
        directions = {
            direction
            for entry in policies
            if entry["spec"]["podSelector"].get("matchLabels", {"": ""}).items() <= labels.items()
            for direction in entry["spec"]["policyTypes"]
        }
        if directions != {"Ingress", "Egress"}:
            yield f"{qualified_name(item)} has no policy for {sorted({'Ingress', 'Egress'} - directions)}"
    for policy in policies:
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(direction, []):
                if not rule.get(peers) or not rule.get("ports"):
                    yield f"{qualified_name(policy)} allows {direction} for all peers, or all ports"
                yield from _check_open_blocks(policy, rule.get(peers, []))


def _check_open_blocks(policy: Object, peers: Sequence[Object]) -> Problems:
    for peer in peers:
        block = peer.get("ipBlock", {})
        if block and ip_network(block["cidr"]).prefixlen == 0 and not block.get("except"):
            yield f"{qualified_name(policy)} allows every address, private ones included"


def disruption(objects: Sequence[Object]) -> Problems:
    """Scaled workloads keep most replicas during node drains and rolling updates."""
    for scaler in filter_kind(objects, "HorizontalPodAutoscaler"):
        name = scaler["spec"]["scaleTargetRef"]["name"]
        workload = find_object(objects, "Deployment", name)
        if workload is None:
            continue
        if scaler["spec"]["minReplicas"] < 2:
            yield f"{qualified_name(scaler)} can leave one replica"
        if "replicas" in workload["spec"]:
            yield f"{qualified_name(workload)} and its autoscaler both set the replicas"
        if not find_object(objects, "PodDisruptionBudget", name):
            yield f"{qualified_name(workload)} has no PodDisruptionBudget"
        if workload["spec"]["strategy"].get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield f"{qualified_name(workload)} has fewer replicas during a rolling update"
        if len(pod_template(workload)["spec"].get("topologySpreadConstraints", [])) < 2:
            yield f"{qualified_name(workload)} is not spread over nodes and zones"
