"""What manifests say, for those who check it."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.deploy.rendering import WORKLOADS, Object, named, of_kind

Problems = Iterator[str]
Check = Callable[[Sequence[Object]], Problems]

NAME, PART_OF = "app.kubernetes.io/name", "app.kubernetes.io/part-of"
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def pod_of(workload: Object) -> Object:
    """Return the pod that a workload makes."""
    found: Object = workload["spec"]["template"]
    return found


def container_of(workload: Object) -> Object:
    """Return the only container."""
    (found,) = pod_of(workload)["spec"]["containers"]
    container: Object = found
    return container


def module_of(workload: Object) -> str:
    """Return the Python module that runs."""
    module: str = container_of(workload)["command"][2]
    return module


def workloads(objects: Sequence[Object]) -> list[Object]:
    """Return what makes pods."""
    return of_kind(objects, *WORKLOADS)


def selected(objects: Sequence[Object], labels: Mapping[str, str]) -> list[Object]:
    """Return the workloads whose pods have all labels."""
    return [
        each for each in workloads(objects) if labels.items() <= pod_of(each)["metadata"]["labels"].items()
    ]


def port_names(workload: Object) -> dict[str, int]:
    """Return the ports of a container by name."""
    return {each["name"]: each["containerPort"] for each in container_of(workload).get("ports", [])}


def variables(objects: Sequence[Object], workload: Object) -> dict[str, str]:
    """Return the variables of a container, those of ConfigMaps included."""
    container = container_of(workload)
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if config := named(objects, "ConfigMap", source.get("configMapRef", {}).get("name", "")):
            found |= config["data"]
    return found | {each["name"]: each.get("value", "") for each in container.get("env", [])}
