"""The rendered manifests are valid and consistent. Mutations prove that each check can fail."""

import re
import shutil
import subprocess
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from nationalsite.account.v1 import ACCOUNT_SERVICE
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE
from nationalsite.product.v1 import PRODUCT_SERVICE

from services.errors import StartupError
from services.server.security.policy import PolicyFile
from services.settings_loader import load_settings
from tests.deploy import checks
from tests.deploy.check_overlay import find_problems
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
from tests.deploy.validation import CUSTOM_SCHEMAS, MINOR_VERSIONS, OLDEST_MINOR, schema_errors
from tools.release.version import current_version

pytestmark = pytest.mark.deploy

TEST_DIR = Path(__file__).parent
VERSION = current_version(ROOT)
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

MUTATIONS = yaml.safe_load((TEST_DIR / "mutations.yaml").read_text())


@EACH_KUSTOMIZATION
def test_manifests_are_valid_in_every_supported_minor_version(directory):
    objects = render(directory)
    assert objects
    assert [
        problem
        for object_ in objects
        for minor in MINOR_VERSIONS
        for problem in schema_errors(object_, minor)
    ] == []


def test_the_supported_minor_versions():
    assert MINOR_VERSIONS[0] == OLDEST_MINOR
    assert [f"1.{minor}" for minor in range(31, 31 + len(MINOR_VERSIONS))] == MINOR_VERSIONS
    assert len(MINOR_VERSIONS) >= 7
    assert f"Kubernetes {OLDEST_MINOR} or later" in (ROOT / "docs" / "kubernetes.md").read_text()


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
            checks.pod_template(object_)["spec"]["serviceAccountName"],
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
    assert {
        "ExternalSecret",
        "ServiceMonitor",
        "PrometheusRule",
        "HorizontalPodAutoscaler",
        "Ingress",
    } <= kinds
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


SHOP = OVERLAYS / "shop"
"""An overlay of one's own, as docs/kubernetes.md shows it."""


def test_an_overlay_needs_no_change_in_deploy():
    objects = render(SHOP)
    assert {object_["metadata"].get("namespace", "shop-1688") for object_ in objects} == {"shop-1688"}
    assert find_object(objects, "Namespace", "shop-1688")
    for name in SERVICES:
        deployment = find_object(objects, "Deployment", name)
        assert deployment is not None
        container = checks.only_container(deployment)
        assert container["image"] == f"registry.shop.jp/nationalsite/{name}:{VERSION}"
        config = find_object(objects, "ConfigMap", container["envFrom"][0]["configMapRef"]["name"])
        assert config is not None
        assert config["data"]["NATIONALSITE_APP_KEY"] == "7654321"
        assert config["data"]["NATIONALSITE_GATEWAY_URL"] == "https://gw.open.1688.com"
        account = find_object(objects, "ServiceAccount", name)
        assert account is not None
        assert account["imagePullSecrets"] == [{"name": "registry"}]
        policy = find_object(objects, "ConfigMap", f"{name}-policy")
        assert policy is not None
        assert policy["data"]["policy.json"] == (SHOP / "policy.json").read_text()
    (ingress,) = filter_kind(objects, "Ingress")
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "letsencrypt"}
    assert not filter_kind(objects, "ExternalSecret")
    images = {checks.only_container(job)["image"] for job in filter_kind(render(SHOP / "migrate"), "Job")}
    assert images == {f"registry.shop.jp/nationalsite/{name}:{VERSION}" for name in ("order-sync", "account")}


def test_grafana_gets_the_dashboard():
    config = find_object(render(SHOP), "ConfigMap", "nationalsite-dashboard")
    assert config is not None
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config["data"] == {"nationalsite.json": (DEPLOY / "observability" / "dashboard.json").read_text()}


def test_with_an_egress_proxy_nothing_else_reaches_the_internet():
    objects = render(OVERLAYS / "gateway-api" / "account")
    policy = find_object(objects, "NetworkPolicy", "account")
    assert policy is not None
    peers = [peer["ipBlock"] for rule in policy["spec"]["egress"] for peer in rule["to"] if "ipBlock" in peer]
    assert peers
    assert all(ip_network(peer["cidr"]).is_private for peer in peers)
    assert {"port": 3128} in [port for rule in policy["spec"]["egress"] for port in rule["ports"]]


def test_pods_may_ask_node_local_dns():
    policy = find_object(render(OVERLAYS / "gateway-api" / "product"), "NetworkPolicy", "product")
    assert policy is not None
    (rule,) = [
        rule for rule in policy["spec"]["egress"] if {"ipBlock": {"cidr": "169.254.20.10/32"}} in rule["to"]
    ]
    assert {port["port"] for port in rule["ports"]} == {53}


@pytest.mark.parametrize("base", [OVERLAYS / "backup", ENVIRONMENTS / "production" / "migrate"], ids=case_id)
def test_every_pod_that_asks_dns_may_ask_node_local_dns(base, tmp_path):
    up = "/".join([".."] * (len(tmp_path.parts) - 1))
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: ['{up}{base}']\ncomponents: ['{up}{DEPLOY / 'components' / 'node-local-dns'}']\n"
    )
    dns, cache = {"port": 53, "protocol": "UDP"}, {"ipBlock": {"cidr": "169.254.20.10/32"}}
    asking = 0
    for policy in filter_kind(render(tmp_path), "NetworkPolicy"):
        rules = policy["spec"].get("egress", [])
        if any(dns in rule["ports"] for rule in rules):
            asking += 1
            assert cache in [peer for rule in rules for peer in rule["to"]], policy["metadata"]["name"]
    assert asking >= 2


def test_jobs_of_the_database_read_its_authorities():
    objects = [*render(SHOP / "migrate"), *render(OVERLAYS / "backup" / "account")]
    for item in filter_kind(objects, "Job", "CronJob"):
        (volume,) = [
            each for each in checks.pod_template(item)["spec"]["volumes"] if each["name"] == "secrets"
        ]
        assert volume["secret"]["optional"]
        assert {"key": "database-ca.crt", "path": "database-ca.crt"} in volume["secret"]["items"]


@pytest.mark.parametrize(
    "file",
    [
        "shop/kustomization.yaml",
        "shop/settings.env",
        "shop/images/kustomization.yaml",
        "shop/migrate/kustomization.yaml",
        "backup/order-sync/kustomization.yaml",
        "argo-cd/order-sync/kustomization.yaml",
    ],
)
def test_the_guide_shows_overlays(file):
    """Except for what is in deploy/, which has a Git URL there."""
    guide = (ROOT / "docs" / "kubernetes.md").read_text()
    url = rf"https://git.shop.jp/nationalsite//deploy/\2?ref=v{VERSION}"
    text = re.sub(r"(\.\./)+deploy/(\S+)", url, (OVERLAYS / file).read_text())
    shown = "\n".join(line for line in text.splitlines() if not line.startswith("# "))
    assert f"\n{shown}\n```\n" in guide


def test_the_base_of_an_overlay_can_be_a_git_url(tmp_path):
    repository, overlay = tmp_path / "repository", tmp_path / "shop"
    shutil.copytree(DEPLOY, repository / "deploy")
    identity = ("-c", "user.name=test", "-c", "user.email=test@shop.jp")
    for arguments in (("init",), ("add", "."), (*identity, "commit", "-m", "deploy"), ("tag", f"v{VERSION}")):
        subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True)  # noqa: S603, S607 # git
    shutil.copytree(SHOP, overlay)
    for file in overlay.rglob("kustomization.yaml"):
        base = rf"file://{repository}//deploy/\2?ref=v{VERSION}"
        file.write_text(re.sub(r"(\.\./)+deploy/(\S+)", base, file.read_text()))
    assert render(overlay) == render(SHOP)
    assert render(overlay / "migrate") == render(SHOP / "migrate")


@pytest.mark.parametrize("name", ["order-sync", "account"])
def test_argo_cd_migrates_before_each_sync(name):
    objects = render(OVERLAYS / "argo-cd" / name)
    (job,) = filter_kind(objects, "Job")
    (deployment,) = filter_kind(objects, "Deployment")
    assert job["metadata"]["annotations"] == {
        "argocd.argoproj.io/hook": "PreSync",
        "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
    }
    assert checks.only_container(job)["image"] == checks.only_container(deployment)["image"]


def test_an_overlay_is_checked():
    assert find_problems([SHOP, SHOP / "migrate"]) == []


def test_placeholders_are_reported():
    problems = list(checks.placeholders(render(ENVIRONMENTS / "production")))
    for placeholder in (
        "replace-me",
        "registry.example",
        "callback.shop.example",
        "cluster.local/ns/shop/sa/orders",
    ):
        assert [problem for problem in problems if problem.endswith(f"placeholder {placeholder}")], (
            placeholder
        )


@pytest.mark.parametrize("environment", ["staging", "production"])
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_does_not_start_with_a_placeholder(environment, name, monkeypatch):
    objects = render(ENVIRONMENTS / environment / name)
    (config,) = [
        object_ for object_ in filter_kind(objects, "ConfigMap") if "NATIONALSITE_APP_KEY" in object_["data"]
    ]
    for variable, value in config["data"].items():
        monkeypatch.setenv(variable, value)
    (deployment,) = filter_kind(objects, "Deployment")
    with pytest.raises(StartupError) as failure:
        load_settings(checks.SETTINGS[checks.python_module(deployment)])
    assert [line for line in failure.value.lines if line.startswith("NATIONALSITE_APP_KEY: ")]


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


def test_the_build_context_has_what_the_images_copy():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    context = (ROOT / ".dockerignore").read_text().splitlines()
    assert context[0] == "*", "everything else is left out"
    for path in " ".join(copied).split():
        assert f"!{path}" in context
        assert (ROOT / path).exists()


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
