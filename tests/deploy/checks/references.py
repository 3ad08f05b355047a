"""What is asked for by name: it has to be there."""

from collections.abc import Sequence

from tests.deploy.checks.reading import Problems, container_of, pod_of, port_names, variables, workloads
from tests.deploy.rendering import NAMESPACE, Object, name_of, named, of_kind

SECRET_KEYS = frozenset({"app-secret", "access-token", "refresh-token", "database-url", "redis-url"})
"""What docs/kubernetes.md asks to be put into a service's Secret."""


def references(objects: Sequence[Object]) -> Problems:
    """What is asked for by name is there; a Secret may be somebody else's, if it is the service's own."""
    for one in workloads(objects):
        for kind, name in _wanted(one):
            external = kind == "Secret" and _is_own(one, name)
            if not external and not named(objects, kind, name):
                yield f"{name_of(one)} asks for {kind} {name}, which there is not"
    for one in of_kind(objects, "HorizontalPodAutoscaler"):
        target = one["spec"]["scaleTargetRef"]
        if not named(objects, target["kind"], target["name"]):
            yield f"{name_of(one)} scales {target['kind']} {target['name']}, which there is not"
    for one in of_kind(objects, "Ingress"):
        for path in (path for rule in one["spec"]["rules"] for path in rule["http"]["paths"]):
            backend = path["backend"]["service"]
            yield from _leads_to(objects, one, backend["name"], backend["port"].get("name"))
    yield from _scraped(objects)
    yield from _unwanted(objects)


_SOURCES = {
    "configMap": ("ConfigMap", "name"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
    "secret": ("Secret", "secretName"),
}
"""Volume -> what it is made of, and where its name stands."""


def _wanted(workload: Object) -> list[tuple[str, str]]:
    """Return what a workload asks for, by kind and name."""
    spec = pod_of(workload)["spec"]
    wanted = [("ServiceAccount", spec["serviceAccountName"])]
    for source in container_of(workload).get("envFrom", []):
        wanted += [("ConfigMap", source["configMapRef"]["name"])] if "configMapRef" in source else []
    for volume in spec.get("volumes", []):
        wanted += [(kind, volume[key][name]) for key, (kind, name) in _SOURCES.items() if key in volume]
    return wanted


def _is_own(workload: Object, secret: str) -> bool:
    service = workload["metadata"]["name"].removesuffix("-migrate")
    return secret in {service, f"{service}-tls"}


def _scraped(objects: Sequence[Object]) -> Problems:
    for one in of_kind(objects, "ServiceMonitor"):
        labels = one["spec"]["selector"]["matchLabels"].items()
        services = of_kind(objects, "Service")
        found = [each for each in services if labels <= each["metadata"].get("labels", {}).items()]
        for endpoint in one["spec"]["endpoints"]:
            leading = [each for each in found if endpoint["port"] in _port_names_of(each)]
            if len(leading) != 1:
                yield f"{name_of(one)} finds {len(leading)} Services with a port {endpoint['port']}"


def _unwanted(objects: Sequence[Object]) -> Problems:
    wanted = {name for workload in workloads(objects) for kind, name in _wanted(workload) if kind == "Secret"}
    for one in of_kind(objects, "ExternalSecret"):
        if one["spec"]["target"]["name"] not in wanted:
            yield f"{name_of(one)} makes a Secret that nobody asks for"


def _port_names_of(service: Object) -> set[str]:
    return {each["name"] for each in service["spec"]["ports"]}


def _leads_to(objects: Sequence[Object], one: Object, service: str, port: str | int | None) -> Problems:
    found = named(objects, "Service", service)
    if not found:
        yield f"{name_of(one)} leads to Service {service}, which there is not"
    elif port is not None and port not in {
        each[kind] for each in found["spec"]["ports"] for kind in ("name", "port")
    }:
        yield f"{name_of(one)} leads to port {port} of Service {service}, which there is not"


def mesh(objects: Sequence[Object]) -> Problems:
    """Hosts and backends of a mesh are Services, and their ports are there."""
    for one in of_kind(objects, "DestinationRule", "VirtualService"):
        for host in [one["spec"].get("host"), *one["spec"].get("hosts", [])]:
            if host is not None:
                yield from _leads_to(objects, one, _service_of(host), None)
        for route in one["spec"].get("http", []):
            for each in route.get("route", []):
                destination = each["destination"]
                port = destination.get("port", {}).get("number")
                yield from _leads_to(objects, one, _service_of(destination["host"]), port)
    for one in of_kind(objects, "GRPCRoute"):
        for rule in one["spec"]["rules"]:
            for backend in rule.get("backendRefs", []):
                yield from _leads_to(objects, one, backend["name"], backend["port"])
    for one in of_kind(objects, "AuthorizationPolicy", "PeerAuthentication"):
        numbers = {str(port) for each in workloads(objects) for port in port_names(each).values()}
        asked = {str(port) for port in one["spec"].get("portLevelMtls", {})}
        for rule in one["spec"].get("rules") or []:
            for to in rule.get("to", []):
                asked |= set(to["operation"].get("ports", []))
        for port in asked - numbers:
            yield f"{name_of(one)} speaks of a port {port} that is not there"


def _service_of(host: str) -> str:
    name, _, rest = host.partition(".")
    return name if rest in {"", f"{NAMESPACE}.svc.cluster.local"} else host


def mounts(objects: Sequence[Object]) -> Problems:
    """What is mounted is a volume, every volume is mounted, and files that variables name lie in one."""
    for one in workloads(objects):
        volumes = {each["name"]: each for each in pod_of(one)["spec"].get("volumes", [])}
        mounted = {each["name"]: each for each in container_of(one).get("volumeMounts", [])}
        if volumes.keys() != mounted.keys():
            yield f"{name_of(one)} mounts {sorted(mounted)} of {sorted(volumes)}"
        for variable, value in variables(objects, one).items():
            if not variable.endswith("_FILE"):
                continue
            place, _, file = value.rpartition("/")
            volume = next(
                (volumes.get(name) for name, each in mounted.items() if each["mountPath"] == place), None
            )
            if volume is None:
                yield f"{name_of(one)}: {variable} names a file outside every volume"
            elif volume["name"] == "secrets" and file not in _keys(volume):
                yield f"{name_of(one)}: {variable} names {file}, which no Secret has"


def _keys(volume: Object) -> set[str]:
    items = volume.get("secret", {}).get("items")
    return {each["path"] for each in items} if items else set(SECRET_KEYS)
