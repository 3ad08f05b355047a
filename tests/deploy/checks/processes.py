"""Checks of processes: settings, probes, termination, number of replicas."""

from collections.abc import Mapping, Sequence
from typing import get_args

from nationalsite.account.v1 import ACCOUNT_SERVICE
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE
from nationalsite.product.v1 import PRODUCT_SERVICE
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from services.account.service import AccountSettings
from services.order_sync.service import OrderSyncSettings
from services.product.service import ProductSettings
from services.sandbox.settings import CALLBACK_URL
from services.sandbox.settings import LISTEN as SANDBOX_LISTEN
from services.settings_loader import env_name
from services.store import RelayConfig
from tests.deploy.checks.manifest_fields import (
    PROBES,
    Problems,
    env_variables,
    only_container,
    pod_template,
    python_module,
    workloads,
)
from tests.deploy.kustomize import Object, filter_kind, find_object, qualified_name

SETTINGS: Mapping[str, type[BaseSettings]] = {
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
STORES = frozenset({"services.order_sync", "services.account"})
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
    for one in workloads(objects):
        given = env_variables(objects, one)
        ours = {name for name in given if not name.startswith("OTEL_")}
        module = python_module(one)
        if module == SANDBOX:
            for name in ours - {SANDBOX_LISTEN, CALLBACK_URL}:
                yield f"{qualified_name(one)}: unknown variable {name}"
            continue
        known = setting_names(SETTINGS[module])
        files = {f"{name}_FILE" for name, secret in known.items() if secret}
        for name in ours - known.keys() - files:
            yield f"{qualified_name(one)}: unknown variable {name}"
        for name in ours & known.keys():
            if known[name] and not given[name].startswith("sqlite"):
                yield f"{qualified_name(one)}: {name} is a secret, and no file"
        if one["kind"] == "Deployment":
            for name in ("GATEWAY_URL", "APP_KEY", "APP_SECRET_FILE"):
                if not given.get(f"NATIONALSITE_{name}"):
                    yield f"{qualified_name(one)}: NATIONALSITE_{name} is required"
            tokens = {f"NATIONALSITE_{kind}_TOKEN_FILE" for kind in ("ACCESS", "REFRESH")} & given.keys()
            if len(tokens) != 1:
                yield f"{qualified_name(one)} has {len(tokens)} tokens"


def termination(objects: Sequence[Object]) -> Problems:
    """The grace period of a pod is longer than the shutdown of its process."""
    for one in filter_kind(objects, "Deployment"):
        if python_module(one) == SANDBOX:
            continue
        given = env_variables(objects, one)
        needed = UNWIND_S + sum(
            float(given[f"NATIONALSITE_{name}_SECONDS"]) for name in ("DRAIN_DELAY", "GRACE")
        )
        if python_module(one) == "services.order_sync":
            needed += RelayConfig().shutdown_grace_s
        if pod_template(one)["spec"]["terminationGracePeriodSeconds"] < needed:
            yield f"{qualified_name(one)} can be killed before it has ended"
        if float(given["NATIONALSITE_DRAIN_DELAY_SECONDS"]) < 1 and "lifecycle" not in only_container(one):
            yield f"{qualified_name(one)} ends before load balancers notice"


def probes(objects: Sequence[Object]) -> Problems:
    """Every container has the three probes; gRPC probes name the service that it serves."""
    for one in filter_kind(objects, "Deployment"):
        container = only_container(one)
        for kind in PROBES:
            if kind not in container:
                yield f"{qualified_name(one)} has no {kind}"
                continue
            service = container[kind].get("grpc", {}).get("service")
            if service is None:
                continue
            if service != DESCRIPTORS[python_module(one)].full_name:
                yield f"{qualified_name(one)}: {kind} refers to {service}, which is not its service"


def replicas(objects: Sequence[Object]) -> Problems:
    """With a SQLite store there is one replica, which ends before the next one starts, on its own volume."""
    for one in filter_kind(objects, "Deployment"):
        given = env_variables(objects, one)
        url = given.get("NATIONALSITE_DATABASE_URL", "")
        shared = "NATIONALSITE_DATABASE_URL_FILE" in given
        if python_module(one) not in STORES or (shared and not url):
            continue
        told = f"{qualified_name(one)} is on SQLite, and"
        if not url:
            yield f"{told} has no path for it"
        if one["spec"].get("replicas") != 1:
            yield f"{told} may have {one['spec'].get('replicas', 'any number of')} replicas"
        if one["spec"]["strategy"] != {"type": "Recreate"}:
            yield f"{told} starts the new pod before the old one has ended"
        for scaler in filter_kind(objects, "HorizontalPodAutoscaler"):
            if scaler["spec"]["scaleTargetRef"]["name"] == one["metadata"]["name"]:
                yield f"{told} has an autoscaler"
        yield from (f"{told} {problem}" for problem in _volume_problems(objects, one, url))


def _volume_problems(objects: Sequence[Object], workload: Object, url: str) -> Problems:
    place = url.partition(":///")[2].rpartition("/")[0]
    container = only_container(workload)
    name = next((each["name"] for each in container["volumeMounts"] if each["mountPath"] == place), None)
    volume = next((each for each in pod_template(workload)["spec"]["volumes"] if each["name"] == name), {})
    claim = find_object(
        objects, "PersistentVolumeClaim", volume.get("persistentVolumeClaim", {}).get("claimName", "")
    )
    if claim is None:
        yield "its file is not on a persistent volume"
    elif claim["spec"]["accessModes"] != ["ReadWriteOncePod"]:
        yield "its volume allows several pods"
