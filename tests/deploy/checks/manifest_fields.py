"""Reads fields of manifests for the checks."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.deploy.kustomize import WORKLOADS, Object, filter_kind, find_object

Problems = Iterator[str]
Check = Callable[[Sequence[Object]], Problems]

NAME, PART_OF = "app.kubernetes.io/name", "app.kubernetes.io/part-of"
_MIB = {"Mi": 1, "Gi": 1024}
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def pod_template(workload: Object) -> Object:
    """Return the pod template of a workload."""
    spec: Object = workload["spec"]
    template: Object = spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]
    return template


def only_container(workload: Object) -> Object:
    """Return the only container."""
    (container,) = pod_template(workload)["spec"]["containers"]
    return container


def memory_mib(workload: Object, kind: str) -> float:
    """Return the memory of `requests` or `limits` of the container; 0 if there is none."""
    memory: str = only_container(workload).get("resources", {}).get(kind, {}).get("memory", "0Mi")
    return float(memory[:-2]) * _MIB[memory[-2:]]


def python_module(workload: Object) -> str:
    """Return the Python module that runs; empty if another program runs."""
    program, _, module, *_ = only_container(workload)["command"]
    return module if program == "python" else ""


def workloads(objects: Sequence[Object]) -> list[Object]:
    """Return the Deployments, Jobs and CronJobs."""
    return filter_kind(objects, *WORKLOADS)


def select_workloads(objects: Sequence[Object], labels: Mapping[str, str]) -> list[Object]:
    """Return the workloads whose pods have all labels."""
    return [
        entry
        for entry in workloads(objects)
        if labels.items() <= pod_template(entry)["metadata"]["labels"].items()
    ]


def port_names(workload: Object) -> dict[str, int]:
    """Return the ports of a container by name."""
    return {entry["name"]: entry["containerPort"] for entry in only_container(workload).get("ports", [])}


def env_variables(objects: Sequence[Object], workload: Object) -> dict[str, str]:
    """Return the environment variables of a container, including those from ConfigMaps."""
    container = only_container(workload)
    matches: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if config := find_object(objects, "ConfigMap", source.get("configMapRef", {}).get("name", "")):
            matches |= config["data"]
    return matches | {entry["name"]: entry.get("value", "") for entry in container.get("env", [])}
