"""The rendered manifests are valid and consistent. Mutations prove that each check can fail."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from kubernetes_validate.utils import all_versions
from nationalsite.account.v1 import ACCOUNT_SERVICE
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE
from nationalsite.product.v1 import PRODUCT_SERVICE
from packaging.version import Version

from services.server.security.policy import PolicyFile
from tests.deploy import checks
from tests.deploy.kustomize import (
    BINARIES,
    DEPLOY,
    ENVIRONMENTS,
    NAMESPACE,
    OVERLAYS,
    ROOT,
    Object,
    case_id,
    filter_kind,
    find_kustomizations,
    find_object,
    qualified_name,
    render,
)

pytestmark = pytest.mark.deploy

TEST_DIR = Path(__file__).parent
MINOR_VERSIONS = sorted({version.rpartition(".")[0] for version in all_versions()}, key=Version)[-4:]
SERVICES = ("product", "order-sync", "account")
DESCRIPTORS = {"product": PRODUCT_SERVICE, "order-sync": ORDER_SYNC_SERVICE, "account": ACCOUNT_SERVICE}
CALLERS = {
    "product": "spiffe://cluster.local/ns/shop/sa/web",
    "order-sync": "spiffe://cluster.local/ns/shop/sa/orders",
    "account": "spiffe://cluster.local/ns/shop/sa/signup",
}
"""The callers of the examples in deploy/."""
FULL_ENVIRONMENTS = [ENVIRONMENTS / name for name in ("local", "staging", "production")]
EACH_KUSTOMIZATION = pytest.mark.parametrize("directory", find_kustomizations(), ids=case_id)

CUSTOM_SCHEMAS = {
    path.stem: json.loads(path.read_text()) for path in sorted((TEST_DIR / "schemas").glob("*.json"))
}
"""Schemas of custom resources, as far as they are used."""
MUTATIONS = yaml.safe_load((TEST_DIR / "mutations.yaml").read_text())


def schema_errors(object_: Object, minor: str) -> list[str]:
    """Return the schema errors of an object, by the schema of Kubernetes or of the custom resource."""
    try:
        if object_["kind"] in CUSTOM_SCHEMAS:
            jsonschema.validate(object_, CUSTOM_SCHEMAS[object_["kind"]])
        else:
            kubernetes_validate.validate(object_, minor, strict=True)
    except jsonschema.ValidationError as error:
        return [f"{qualified_name(object_)}, {minor}: {error.message}"]
    return []


@EACH_KUSTOMIZATION
def test_manifests_are_valid_in_the_last_four_minor_versions(directory):
    objects = render(directory)
    assert objects
    assert [
        problem
        for object_ in objects
        for minor in MINOR_VERSIONS
        for problem in schema_errors(object_, minor)
    ] == []


def test_the_last_four_minor_versions_differ():
    assert len(set(MINOR_VERSIONS)) == 4


@EACH_KUSTOMIZATION
def test_manifests_are_consistent(directory):
    assert checks.problems(render(directory)) == []


@EACH_KUSTOMIZATION
def test_no_placeholder_of_the_base_remains(directory):
    """The base calls every service `service`."""
    for object_ in render(directory):
        assert not re.search(r"\bservice\b", object_["metadata"]["name"])
        assert object_["metadata"].get("labels", {}).get(checks.NAME) != "service"
    for object_ in checks.workloads(render(directory)):
        container = checks.only_container(object_)
        values = [
            container["image"],
            *container["command"],
            object_["spec"]["template"]["spec"]["serviceAccountName"],
        ]
        assert not [value for value in values if re.search(r"\bservice\b", value)]


@pytest.mark.parametrize("environment", FULL_ENVIRONMENTS, ids=case_id)
def test_a_service_alone_has_the_same_objects_as_in_its_environment(environment):
    parts = [
        path
        for path in environment.iterdir()
        if path.is_dir() and path.name not in {"settings", "access", "migrate"}
    ]
    alone = {qualified_name(object_): object_ for part in parts for object_ in render(part)}
    assert {qualified_name(object_): object_ for object_ in render(environment)} == alone
    assert {"namespace", *SERVICES} <= {part.name for part in parts}


def test_every_component_is_rendered():
    used = {
        part
        for root in (DEPLOY, OVERLAYS)
        for file in root.rglob("kustomization.yaml")
        for line in file.read_text().splitlines()
        if re.fullmatch(r"  - (\.\./)+\S+", line)
        for part in line.split("/")
    }
    assert {component.name for component in (DEPLOY / "components").iterdir()} <= used


def test_kinds_of_production():
    kinds = {object_["kind"] for object_ in render(ENVIRONMENTS / "production")}
    assert {"ExternalSecret", "ServiceMonitor", "HorizontalPodAutoscaler", "Ingress"} <= kinds
    assert not {"Secret", "PersistentVolumeClaim"} & kinds


@pytest.mark.parametrize("name", ["order-sync", "account"])
def test_migrations_use_the_image_of_their_service(name):
    (deployment,) = filter_kind(render(ENVIRONMENTS / "production" / name), "Deployment")
    (job,) = filter_kind(render(ENVIRONMENTS / "production" / "migrate" / name), "Job")
    ours, theirs = checks.only_container(job), checks.only_container(deployment)
    assert ours["image"] == theirs["image"]
    assert ours["command"] == [*theirs["command"], "migrate"]


def test_a_changed_setting_rolls_the_replicas(tmp_path):
    """The ConfigMap gets another name, which changes the pod template."""
    product = ENVIRONMENTS / "production" / "product"
    up = "/".join([".."] * (len(tmp_path.parts) - 1))
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: ['{up}{product}']\nconfigMapGenerator:\n- name: product\n  namespace: {NAMESPACE}\n"
        "  behavior: merge\n  literals: [NATIONALSITE_LOG_LEVEL=debug]\n"
    )
    before, after = (
        checks.only_container(filter_kind(render(each), "Deployment")[0])["envFrom"][0]["configMapRef"][
            "name"
        ]
        for each in (product, tmp_path)
    )
    assert before != after
    config = find_object(render(tmp_path), "ConfigMap", after)
    assert config is not None
    assert config["data"].keys() > {"NATIONALSITE_LOG_LEVEL", "NATIONALSITE_GATEWAY_URL"}


@pytest.mark.parametrize("environment", ["staging", "production"])
@pytest.mark.parametrize("name", SERVICES)
def test_only_callers_that_the_policy_allows_may_call(environment, name):
    objects = render(ENVIRONMENTS / environment / name)
    (deployment,) = filter_kind(objects, "Deployment")
    access = checks.access_of(objects, deployment)
    assert (access.callers, access.identified_by) == ("policy", ("client certificate",))
    policy = PolicyFile(
        "", ENVIRONMENTS / environment / "access" / "policy.json", DESCRIPTORS[name]
    ).current()
    assert all(policy.allows(CALLERS[name], method.name) for method in DESCRIPTORS[name].methods)
    others = {*CALLERS.values()} - {CALLERS[name]}
    assert not any(
        policy.allows(caller, method.name) for caller in others for method in DESCRIPTORS[name].methods
    )


@pytest.mark.parametrize("name", SERVICES)
def test_in_a_mesh_only_identified_callers_may_call(name):
    objects = render(OVERLAYS / "istio" / name)
    (deployment,) = filter_kind(objects, "Deployment")
    access = checks.access_of(objects, deployment)
    assert (access.callers, access.identified_by) == ("identified", ("trusted proxy",))


def test_services_with_mtls_are_probed_by_http():
    """kubelet has no client certificate, so a gRPC probe would fail."""
    for name in ("product", "order-sync"):
        (object_,) = filter_kind(render(ENVIRONMENTS / "production" / name), "Deployment")
        asked = [checks.only_container(object_)[kind].keys() & {"grpc", "httpGet"} for kind in checks.PROBES]
        assert asked == [{"httpGet"}] * 3


def test_the_dockerfile_is_clean():
    finished = subprocess.run(  # noqa: S603 # of this environment
        [BINARIES / "hadolint", DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stdout) == (0, "")


def test_every_service_has_an_image():
    stages = re.findall(r"^FROM runtime AS (\S+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    images = [
        checks.only_container(object_)["image"].rpartition("/")[2].partition(":")[0]
        for object_ in checks.workloads(render(ENVIRONMENTS / "local"))
    ]
    assert sorted(images) == sorted(stages)


def test_the_guide_names_every_secret_key_and_label():
    guide = (ROOT / "docs" / "kubernetes.md").read_text()
    manifests = "".join(file.read_text() for file in DEPLOY.rglob("*.yaml"))
    labels = set(re.findall(r"nationalsite/[a-z]+(?=: \"true\")", manifests))
    assert len(labels) == 4
    for word in checks.SECRET_KEYS | labels:
        assert f"`{word}`" in guide, word


# Every check can fail.


def objects_of_environment(environment: str) -> list[Object]:
    """Return the objects of an environment and its migrations, without duplicates."""
    directories = [ENVIRONMENTS / environment, ENVIRONMENTS / environment / "migrate"]
    together = {
        qualified_name(object_): object_
        for directory in directories
        if directory.exists()
        for object_ in render(directory)
    }
    return list(together.values())


def apply_mutation(objects: list[Object], mutation: Any) -> Object:
    """Apply a mutation of mutations.yaml; return the changed object."""
    if "add" in mutation:
        objects.append(mutation["add"])
        return mutation["add"]
    kind, name = mutation["object"].split(" ")
    object_ = find_object(objects, kind, name)
    assert object_ is not None, mutation
    if "variable" in mutation:
        env = checks.only_container(object_)["env"]
        env[:] = [each for each in env if each["name"] != mutation["variable"]]
        if "value" in mutation:
            env.append({"name": mutation["variable"], "value": mutation["value"]})
    elif "path" in mutation:
        _apply_change(object_, mutation)
    else:
        objects.remove(object_)
    if "also" in mutation:
        apply_mutation(objects, mutation["also"])
    return object_


def _apply_change(object_: Object, mutation: Any) -> None:
    starts = {
        "pod": lambda: checks.pod_template(object_)["spec"],
        "container": lambda: checks.only_container(object_),
    }
    words = [word.replace("\\.", ".") for word in re.split(r"(?<!\\)\.", mutation["path"])]
    node: Any = starts[words.pop(0)]() if words[0] in starts else object_
    for word in words[:-1]:
        node = node[int(word) if isinstance(node, list) else word]
    last: Any = int(words[-1]) if isinstance(node, list) else words[-1]
    if "value" in mutation:
        node[last] = mutation["value"]
    else:
        del node[last]


@pytest.mark.parametrize(
    ("environment", "mutation"),
    [(name, mutation) for name in ("production", "local") for mutation in MUTATIONS[name]],
    ids=lambda value: value["message"] if isinstance(value, dict) else None,
)
def test_checks_detect_inconsistent_manifests(environment, mutation):
    objects = objects_of_environment(environment)
    assert checks.problems(objects) == []
    apply_mutation(objects, mutation)
    problems = checks.problems(objects)
    assert any(mutation["message"] in problem for problem in problems), problems


@pytest.mark.parametrize(
    "mutation", MUTATIONS["invalid"], ids=lambda mutation: f"{mutation['object']}.{mutation.get('path', '')}"
)
def test_schemas_detect_invalid_manifests(mutation):
    object_ = apply_mutation(objects_of_environment("production"), mutation)
    for minor in MINOR_VERSIONS:
        assert schema_errors(object_, minor)


def test_every_custom_schema_rejects_something():
    assert {mutation["object"].split(" ")[0] for mutation in MUTATIONS["invalid"]} >= CUSTOM_SCHEMAS.keys()


def test_every_check_can_fail():
    seen = set()
    for environment in ("production", "local"):
        for mutation in MUTATIONS[environment]:
            objects = objects_of_environment(environment)
            apply_mutation(objects, mutation)
            seen |= {check.__name__ for check in checks.CHECKS if list(check(objects))}
    assert {check.__name__ for check in checks.CHECKS} - seen == set()
