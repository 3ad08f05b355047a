"""What processes are told, how they are asked, how they end, and how many of them there may be."""

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
from tests.deploy.checks.reading import (
    PROBES,
    Problems,
    container_of,
    module_of,
    pod_of,
    variables,
    workloads,
)
from tests.deploy.rendering import Object, name_of, named, of_kind

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
"""For calls that are ended, the HTTP side, the last spans, and the store."""


def settings_of(cls: type[BaseSettings]) -> dict[str, bool]:
    """Return the variables of a class of settings, and whether each is a secret."""
    return {
        env_name(cls, name): SecretStr in (field.annotation, *get_args(field.annotation))
        for name, field in cls.model_fields.items()
    }


def settings(objects: Sequence[Object]) -> Problems:
    """Every variable is one that its process knows; what is required is there; secrets come as files."""
    for one in workloads(objects):
        given = variables(objects, one)
        ours = {name for name in given if not name.startswith("OTEL_")}
        module = module_of(one)
        if module == SANDBOX:
            for name in ours - {SANDBOX_LISTEN, CALLBACK_URL}:
                yield f"{name_of(one)}: nobody knows {name}"
            continue
        known = settings_of(SETTINGS[module])
        files = {f"{name}_FILE" for name, secret in known.items() if secret}
        for name in ours - known.keys() - files:
            yield f"{name_of(one)}: nobody knows {name}"
        for name in ours & known.keys():
            if known[name] and not given[name].startswith("sqlite"):
                yield f"{name_of(one)}: {name} is a secret, and no file"
        if one["kind"] == "Deployment":
            for name in ("GATEWAY_URL", "APP_KEY", "APP_SECRET_FILE"):
                if not given.get(f"NATIONALSITE_{name}"):
                    yield f"{name_of(one)}: NATIONALSITE_{name} is required"
            tokens = {f"NATIONALSITE_{kind}_TOKEN_FILE" for kind in ("ACCESS", "REFRESH")} & given.keys()
            if len(tokens) != 1:
                yield f"{name_of(one)} has {len(tokens)} tokens"


def ending(objects: Sequence[Object]) -> Problems:
    """The grace of a pod is longer than whatever its process may take."""
    for one in of_kind(objects, "Deployment"):
        if module_of(one) == SANDBOX:
            continue
        given = variables(objects, one)
        needed = UNWIND_S + sum(
            float(given[f"NATIONALSITE_{name}_SECONDS"]) for name in ("DRAIN_DELAY", "GRACE")
        )
        if module_of(one) == "services.order_sync":
            needed += RelayConfig().shutdown_grace_s
        if pod_of(one)["spec"]["terminationGracePeriodSeconds"] < needed:
            yield f"{name_of(one)} is killed before it may have ended"
        if float(given["NATIONALSITE_DRAIN_DELAY_SECONDS"]) < 1 and "lifecycle" not in container_of(one):
            yield f"{name_of(one)} ends before those who balance have noticed"


def probes(objects: Sequence[Object]) -> Problems:
    """gRPC's health service is asked for a name that it has; every container has the three probes."""
    for one in of_kind(objects, "Deployment"):
        container = container_of(one)
        for kind in PROBES:
            if kind not in container:
                yield f"{name_of(one)} has no {kind}"
                continue
            service = container[kind].get("grpc", {}).get("service")
            if service is None:
                continue
            if service != DESCRIPTORS[module_of(one)].full_name:
                yield f"{name_of(one)}: {kind} asks for {service}, which does not serve there"


def replicas(objects: Sequence[Object]) -> Problems:
    """A SQLite store has one process: one replica, that ends before the next one, on a volume of its own."""
    for one in of_kind(objects, "Deployment"):
        given = variables(objects, one)
        url = given.get("NATIONALSITE_DATABASE_URL", "")
        shared = "NATIONALSITE_DATABASE_URL_FILE" in given
        if module_of(one) not in STORES or (shared and not url):
            continue
        told = f"{name_of(one)} is on SQLite, and"
        if not url:
            yield f"{told} says no place for it"
        if one["spec"].get("replicas") != 1:
            yield f"{told} may have {one['spec'].get('replicas', 'any number of')} replicas"
        if one["spec"]["strategy"] != {"type": "Recreate"}:
            yield f"{told} starts a new one beside the old"
        for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
            if scaler["spec"]["scaleTargetRef"]["name"] == one["metadata"]["name"]:
                yield f"{told} has an autoscaler"
        yield from (f"{told} {problem}" for problem in _volume_problems(objects, one, url))


def _volume_problems(objects: Sequence[Object], workload: Object, url: str) -> Problems:
    place = url.partition(":///")[2].rpartition("/")[0]
    container = container_of(workload)
    name = next((each["name"] for each in container["volumeMounts"] if each["mountPath"] == place), None)
    volume = next((each for each in pod_of(workload)["spec"]["volumes"] if each["name"] == name), {})
    claim = named(
        objects, "PersistentVolumeClaim", volume.get("persistentVolumeClaim", {}).get("claimName", "")
    )
    if claim is None:
        yield "its file is on no volume that lasts"
    elif claim["spec"]["accessModes"] != ["ReadWriteOncePod"]:
        yield "its volume lets in several pods"
