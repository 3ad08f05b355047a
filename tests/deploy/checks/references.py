"""Checks of references: objects, keys and ports that are named exist."""

from collections.abc import Sequence

from tests.deploy.checks.manifest_fields import (
    Problems,
    env_variables,
    only_container,
    pod_template,
    port_names,
    workloads,
)
from tests.deploy.kustomize import NAMESPACE, Object, filter_kind, find_object, qualified_name

SECRET_KEYS = frozenset(
    {
        "app-secret",
        "access-token",
        "refresh-token",
        "database-url",
        "backup-database-url",
        "database-ca.crt",
        "redis-url",
        "redis-ca.crt",
    }
)
"""The keys of a service's Secret in docs/kubernetes.md."""


def references(objects: Sequence[Object]) -> Problems:
    """Referenced objects exist; the Secret of the service itself may be created by someone else."""
    for item in workloads(objects):
        for kind, name in _references(item):
            external = kind == "Secret" and _is_own_secret(item, name)
            if not external and not find_object(objects, kind, name):
                yield f"{qualified_name(item)} refers to {kind} {name}, which does not exist"
    for item in filter_kind(objects, "HorizontalPodAutoscaler"):
        target = item["spec"]["scaleTargetRef"]
        if not find_object(objects, target["kind"], target["name"]):
            yield f"{qualified_name(item)} scales {target['kind']} {target['name']}, which does not exist"
    for item in filter_kind(objects, "Ingress"):
        for path in (path for rule in item["spec"]["rules"] for path in rule["http"]["paths"]):
            backend = path["backend"]["service"]
            yield from _check_backend(objects, item, backend["name"], backend["port"].get("name"))
    yield from _check_scrape_targets(objects)
    yield from _check_unused_secrets(objects)


_SOURCES = {
    "configMap": ("ConfigMap", "name"),
    "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName"),
    "secret": ("Secret", "secretName"),
}
"""Volume type -> the kind of its source, and the field with its name."""


def _references(workload: Object) -> list[tuple[str, str]]:
    """Return the objects that a workload refers to, by kind and name."""
    spec = pod_template(workload)["spec"]
    wanted = [("ServiceAccount", spec["serviceAccountName"])]
    for source in only_container(workload).get("envFrom", []):
        wanted += [("ConfigMap", source["configMapRef"]["name"])] if "configMapRef" in source else []
    for volume in spec.get("volumes", []):
        wanted += [(kind, volume[key][name]) for key, (kind, name) in _SOURCES.items() if key in volume]
    return wanted


def _is_own_secret(workload: Object, secret: str) -> bool:
    service = workload["metadata"]["name"].removesuffix("-migrate").removesuffix("-backup")
    return secret in {service, f"{service}-tls"}


def _check_scrape_targets(objects: Sequence[Object]) -> Problems:
    for item in filter_kind(objects, "ServiceMonitor"):
        labels = item["spec"]["selector"]["matchLabels"].items()
        services = filter_kind(objects, "Service")
        matches = [entry for entry in services if labels <= entry["metadata"].get("labels", {}).items()]
        for endpoint in item["spec"]["endpoints"]:
            leading = [entry for entry in matches if endpoint["port"] in _service_port_names(entry)]
            if len(leading) != 1:
                yield f"{qualified_name(item)} finds {len(leading)} Services with a port {endpoint['port']}"


def _check_unused_secrets(objects: Sequence[Object]) -> Problems:
    wanted = {
        name for workload in workloads(objects) for kind, name in _references(workload) if kind == "Secret"
    }
    for item in filter_kind(objects, "ExternalSecret"):
        if item["spec"]["target"]["name"] not in wanted:
            yield f"{qualified_name(item)} creates a Secret that nothing uses"
    for item in filter_kind(objects, "Certificate"):
        if item["spec"]["secretName"] not in wanted:
            yield f"{qualified_name(item)} creates a Secret that nothing uses"


def _service_port_names(service: Object) -> set[str]:
    return {entry["name"] for entry in service["spec"]["ports"]}


def _check_backend(objects: Sequence[Object], item: Object, service: str, port: str | int | None) -> Problems:
    matches = find_object(objects, "Service", service)
    if not matches:
        yield f"{qualified_name(item)} points to Service {service}, which does not exist"
    elif port is not None and port not in {
        entry[kind] for entry in matches["spec"]["ports"] for kind in ("name", "port")
    }:
        yield f"{qualified_name(item)} points to port {port} of Service {service}, which does not exist"


def mesh(objects: Sequence[Object]) -> Problems:
    """Hosts and backends of a mesh are Services, and their ports exist."""
    for item in filter_kind(objects, "DestinationRule", "VirtualService"):
        for host in [item["spec"].get("host"), *item["spec"].get("hosts", [])]:
            if host is not None:
                yield from _check_backend(objects, item, _service_name(host), None)
        for route in item["spec"].get("http", []):
            for entry in route.get("route", []):
                destination = entry["destination"]
                port = destination.get("port", {}).get("number")
                yield from _check_backend(objects, item, _service_name(destination["host"]), port)
    for item in filter_kind(objects, "GRPCRoute"):
        for rule in item["spec"]["rules"]:
            for backend in rule.get("backendRefs", []):
                yield from _check_backend(objects, item, backend["name"], backend["port"])
    for item in filter_kind(objects, "AuthorizationPolicy", "PeerAuthentication"):
        numbers = {str(port) for entry in workloads(objects) for port in port_names(entry).values()}
        requirements = {str(port) for port in item["spec"].get("portLevelMtls", {})}
        for rule in item["spec"].get("rules") or []:
            for to in rule.get("to", []):
                requirements |= set(to["operation"].get("ports", []))
        for port in requirements - numbers:
            yield f"{qualified_name(item)} names a port {port} that does not exist"


def _service_name(host: str) -> str:
    name, _, rest = host.partition(".")
    return name if rest in {"", f"{NAMESPACE}.svc.cluster.local"} else host


def mounts(objects: Sequence[Object]) -> Problems:
    """Mounts are volumes, every volume is mounted, files in variables are inside a volume."""
    for item in workloads(objects):
        volumes = {entry["name"]: entry for entry in pod_template(item)["spec"].get("volumes", [])}
        mounted = {entry["name"]: entry for entry in only_container(item).get("volumeMounts", [])}
        if volumes.keys() != mounted.keys():
            yield f"{qualified_name(item)} mounts {sorted(mounted)} of {sorted(volumes)}"
        for variable, value in env_variables(objects, item).items():
            if not variable.endswith("_FILE"):
                continue
            directory, _, file = value.rpartition("/")
            volume = next(
                (volumes.get(name) for name, entry in mounted.items() if entry["mountPath"] == directory),
                None,
            )
            if volume is None:
                yield f"{qualified_name(item)}: {variable} names a file outside every volume"
            elif volume["name"] == "secrets" and file not in _secret_keys(volume):
                yield f"{qualified_name(item)}: {variable} names {file}, which no Secret has"


def _secret_keys(volume: Object) -> set[str]:
    items = volume.get("secret", {}).get("items")
    return {entry["path"] for entry in items} if items else set(SECRET_KEYS)
