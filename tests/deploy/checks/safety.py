"""What pods may do, whom they may talk to, what they take, and what they survive."""

from collections.abc import Sequence
from ipaddress import ip_network

from tests.deploy.checks.reading import Problems, container_of, pod_of, workloads
from tests.deploy.rendering import Object, name_of, named, of_kind


def security(objects: Sequence[Object]) -> Problems:
    """Pods are of the profile `restricted`, read only, without a token, and without secrets in variables."""
    for one in workloads(objects):
        pod, container = pod_of(one)["spec"], container_of(one)
        own = container["securityContext"]
        context = pod.get("securityContext", {})
        asked = {
            "runs as root": context.get("runAsNonRoot") is True and context.get("runAsUser", 0) > 0,
            "has no seccomp profile": context.get("seccompProfile") == {"type": "RuntimeDefault"},
            "may write to its root": own.get("readOnlyRootFilesystem") is True,
            "may gain privileges": own.get("allowPrivilegeEscalation") is False,
            "has capabilities": own.get("capabilities") == {"drop": ["ALL"]},
            "has a token of the API": pod.get("automountServiceAccountToken") is False,
            "is of the host": not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(),
            "has a volume of the host": not any("hostPath" in each for each in pod.get("volumes", [])),
            "has secrets in variables": not any("secretRef" in each for each in container.get("envFrom", []))
            and not any("valueFrom" in each for each in container.get("env", [])),
        }
        yield from (f"{name_of(one)} {problem}" for problem, fine in asked.items() if not fine)
    for one in of_kind(objects, "ServiceAccount"):
        if one.get("automountServiceAccountToken") is not False:
            yield f"{name_of(one)} gives a token of the API"


def resources(objects: Sequence[Object]) -> Problems:
    """Processor and memory are asked for, and only memory is limited; images have a version."""
    for one in workloads(objects):
        asked = container_of(one).get("resources", {})
        if asked.get("requests", {}).keys() != {"cpu", "memory"} or asked.get("limits", {}).keys() != {
            "memory"
        }:
            yield f"{name_of(one)} does not say what it needs"
        _, _, tag = container_of(one)["image"].rpartition("/")[2].partition(":")
        if tag in {"", "latest"}:
            yield f"{name_of(one)} has an image of any version"


def networks(objects: Sequence[Object]) -> Problems:
    """Every pod has a policy both ways; nothing is allowed for everybody, or to anywhere."""
    policies = of_kind(objects, "NetworkPolicy")
    for one in workloads(objects):
        labels = pod_of(one)["metadata"]["labels"]
        ways = {
            way
            for each in policies
            if each["spec"]["podSelector"].get("matchLabels", {"": ""}).items() <= labels.items()
            for way in each["spec"]["policyTypes"]
        }
        if ways != {"Ingress", "Egress"}:
            yield f"{name_of(one)} has no policy for {sorted({'Ingress', 'Egress'} - ways)}"
    for policy in policies:
        for way, peers in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(way, []):
                if not rule.get(peers) or not rule.get("ports"):
                    yield f"{name_of(policy)} allows {way} for everybody, or everything"
                yield from _open_blocks(policy, rule.get(peers, []))


def _open_blocks(policy: Object, peers: Sequence[Object]) -> Problems:
    for peer in peers:
        block = peer.get("ipBlock", {})
        if block and ip_network(block["cidr"]).prefixlen == 0 and not block.get("except"):
            yield f"{name_of(policy)} allows every address, our own among them"


def disruption(objects: Sequence[Object]) -> Problems:
    """What an autoscaler keeps at several replicas keeps most of them, whatever nodes and releases do."""
    for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
        name = scaler["spec"]["scaleTargetRef"]["name"]
        workload = named(objects, "Deployment", name)
        if workload is None:
            continue
        if scaler["spec"]["minReplicas"] < 2:
            yield f"{name_of(scaler)} may leave one replica"
        if "replicas" in workload["spec"]:
            yield f"{name_of(workload)} and its autoscaler both say how many replicas there are"
        if not named(objects, "PodDisruptionBudget", name):
            yield f"{name_of(workload)} has no budget for disruptions"
        if workload["spec"]["strategy"].get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield f"{name_of(workload)} has fewer replicas while it is rolled"
        if len(pod_of(workload)["spec"].get("topologySpreadConstraints", [])) < 2:
            yield f"{name_of(workload)} is not spread over nodes and zones"
