"""Checks of processes: settings, probes, termination, number of replicas."""

from collections.abc import Mapping, Sequence
from typing import get_args

from nationalsite.account.v1 import ACCOUNT_SERVICE
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE
from nationalsite.product.v1 import PRODUCT_SERVICE
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from services.account.service import AccountSettings
from services.errors import StartupError
from services.order_sync.service import OrderSyncSettings
from services.product.image_process import MEMORY_LIMIT_BYTES
from services.product.service import ProductSettings
from services.sandbox.settings import CALLBACK_URL
from services.sandbox.settings import LISTEN as SANDBOX_LISTEN
from services.server import ServerSettings
from services.server.security.access import Access, read_access
from services.settings_loader import env_name
from services.store import RelayConfig
from tests.deploy.checks.manifest_fields import (
    PROBES,
    Problems,
    env_variables,
    memory_mib,
    only_container,
    pod_template,
    python_module,
    workloads,
)
from tests.deploy.kustomize import Object, filter_kind, find_object, qualified_name

SETTINGS: Mapping[str, type[ServerSettings]] = {
    "services.product": ProductSettings,
    "services.order_sync": OrderSyncSettings,
    "services.account": AccountSettings,
}
DESCRIPTORS = {
    "services.product": PRODUCT_SERVICE,
    "services.order_sync": ORDER_SYNC_SERVICE,
    "services.account": ACCOUNT_SERVICE,
}
SANDBOX = "services.sandbox"
STANDARD_VARIABLES = ("OTEL_", "HTTPS_PROXY", "NO_PROXY")
"""Variables that are no settings of this project begin with these words."""
STORES = frozenset({"services.order_sync", "services.account"})
PRODUCT_MIB = 640
"""Memory of ProductService without its image processes (docs/operations.md)."""
ACCESS_FIELDS = ("policy_file", "tls_client_ca_file", "trusted_proxies", "allow_unauthenticated_callers")
UNWIND_S = 15
"""Time to cancel calls, and to close the HTTP side, the trace exporter and the store."""


def setting_names(cls: type[BaseSettings]) -> dict[str, bool]:
    """Return the variables of a settings class, and whether each is a secret."""
    return {
        env_name(cls, name): SecretStr in (field.annotation, *get_args(field.annotation))
        for name, field in cls.model_fields.items()
    }


def settings(objects: Sequence[Object]) -> Problems:
    """Every variable is known, required ones are set, secrets are files."""
    for item in workloads(objects):
        given = env_variables(objects, item)
        ours = {name for name in given if not name.startswith(STANDARD_VARIABLES)}
        module = python_module(item)
        if not module:
            continue
        if module == SANDBOX:
            for name in ours - {SANDBOX_LISTEN, CALLBACK_URL}:
                yield f"{qualified_name(item)}: unknown variable {name}"
            continue
        known = setting_names(SETTINGS[module])
        files = {f"{name}_FILE" for name, secret in known.items() if secret}
        for name in ours - known.keys() - files:
            yield f"{qualified_name(item)}: unknown variable {name}"
        for name in ours & known.keys():
            if known[name] and not given[name].startswith("sqlite"):
                yield f"{qualified_name(item)}: {name} is a secret, and no file"
        if item["kind"] == "Deployment":
            for name in ("GATEWAY_URL", "APP_KEY", "APP_SECRET_FILE"):
                if not given.get(f"NATIONALSITE_{name}"):
                    yield f"{qualified_name(item)}: NATIONALSITE_{name} is required"
            tokens = {f"NATIONALSITE_{kind}_TOKEN_FILE" for kind in ("ACCESS", "REFRESH")} & given.keys()
            if len(tokens) != 1:
                yield f"{qualified_name(item)} has {len(tokens)} tokens"


def memory(objects: Sequence[Object]) -> Problems:
    """The memory limit of product covers the service and all its image processes."""
    for item in workloads(objects):
        if python_module(item) != "services.product":
            continue
        name = env_name(ProductSettings, "image_processes")
        default = ProductSettings.model_fields["image_processes"].default
        processes = int(env_variables(objects, item).get(name, default))
        needed = PRODUCT_MIB + processes * MEMORY_LIMIT_BYTES / 2**20
        if (limit := memory_mib(item, "limits")) < needed:
            yield f"{qualified_name(item)}: {limit:g} MiB are too few for {processes} image processes"


def access(objects: Sequence[Object]) -> Problems:
    """Every service says who may call."""
    for item in filter_kind(objects, "Deployment"):
        if python_module(item) == SANDBOX:
            continue
        try:
            access_of(objects, item)
        except StartupError as error:
            yield f"{qualified_name(item)} does not say who may call: {error}"


def access_of(objects: Sequence[Object], workload: Object) -> Access:
    """Return who may call a service. Raises StartupError if its variables do not say it."""
    cls = SETTINGS[python_module(workload)]
    given = env_variables(objects, workload)
    values = {name: given[env_name(cls, name)] for name in ACCESS_FIELDS if env_name(cls, name) in given}
    return read_access(cls.model_construct(None, **values))


def termination(objects: Sequence[Object]) -> Problems:
    """The grace period of a pod is longer than the shutdown of its process."""
    for item in filter_kind(objects, "Deployment"):
        if python_module(item) == SANDBOX:
            continue
        given = env_variables(objects, item)
        needed = UNWIND_S + sum(
            float(given[f"NATIONALSITE_{name}_SECONDS"]) for name in ("DRAIN_DELAY", "GRACE")
        )
        if python_module(item) == "services.order_sync":
            needed += RelayConfig().shutdown_grace_s
        if pod_template(item)["spec"]["terminationGracePeriodSeconds"] < needed:
            yield f"{qualified_name(item)} can be killed before it has ended"
        if float(given["NATIONALSITE_DRAIN_DELAY_SECONDS"]) < 1 and "lifecycle" not in only_container(item):
            yield f"{qualified_name(item)} ends before load balancers notice"


def probes(objects: Sequence[Object]) -> Problems:
    """Every container has the three probes; gRPC probes name the service that it serves."""
    for item in filter_kind(objects, "Deployment"):
        container = only_container(item)
        for kind in PROBES:
            if kind not in container:
                yield f"{qualified_name(item)} has no {kind}"
                continue
            service = container[kind].get("grpc", {}).get("service")
            if service is None:
                continue
            if service != DESCRIPTORS[python_module(item)].full_name:
                yield f"{qualified_name(item)}: {kind} refers to {service}, which is not its service"


def replicas(objects: Sequence[Object]) -> Problems:
    """With a SQLite store there is one replica, which ends before the next one starts, on its own volume."""
    for item in filter_kind(objects, "Deployment"):
        given = env_variables(objects, item)
        url = given.get("NATIONALSITE_DATABASE_URL", "")
        shared = "NATIONALSITE_DATABASE_URL_FILE" in given
        if python_module(item) not in STORES or (shared and not url):
            continue
        prefix = f"{qualified_name(item)} is on SQLite, and"
        if not url:
            yield f"{prefix} has no path for it"
        if item["spec"].get("replicas") != 1:
            yield f"{prefix} may have {item['spec'].get('replicas', 'any number of')} replicas"
        if item["spec"]["strategy"] != {"type": "Recreate"}:
            yield f"{prefix} starts the new pod before the old one has ended"
        for scaler in filter_kind(objects, "HorizontalPodAutoscaler"):
            if scaler["spec"]["scaleTargetRef"]["name"] == item["metadata"]["name"]:
                yield f"{prefix} has an autoscaler"
        yield from (f"{prefix} {problem}" for problem in _volume_problems(objects, item, url))


def _volume_problems(objects: Sequence[Object], workload: Object, url: str) -> Problems:
    directory = url.partition(":///")[2].rpartition("/")[0]
    container = only_container(workload)
    name = next(
        (entry["name"] for entry in container["volumeMounts"] if entry["mountPath"] == directory), None
    )
    volume = next((entry for entry in pod_template(workload)["spec"]["volumes"] if entry["name"] == name), {})
    claim = find_object(
        objects, "PersistentVolumeClaim", volume.get("persistentVolumeClaim", {}).get("claimName", "")
    )
    if claim is None:
        yield "its file is not on a persistent volume"
    elif claim["spec"]["accessModes"] != ["ReadWriteOncePod"]:
        yield "its volume allows several pods"
