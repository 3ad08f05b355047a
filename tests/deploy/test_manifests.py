"""What is rendered is what Kubernetes takes, and fits together; and no check of that always passes."""

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
from packaging.version import Version

from tests.deploy import checks
from tests.deploy.rendering import (
    BINARIES,
    DEPLOY,
    ENVIRONMENTS,
    NAMESPACE,
    OVERLAYS,
    ROOT,
    Object,
    kustomizations,
    name_of,
    named,
    of_kind,
    rendered,
    title,
)

pytestmark = pytest.mark.deploy

HERE = Path(__file__).parent
MINORS = sorted({version.rpartition(".")[0] for version in all_versions()}, key=Version)[-4:]
SERVICES = ("product", "order-sync", "account")
WHOLE = [ENVIRONMENTS / name for name in ("local", "staging", "production")]
EVERY = pytest.mark.parametrize("directory", kustomizations(), ids=title)

OWN_SCHEMAS = {path.stem: json.loads(path.read_text()) for path in sorted((HERE / "schemas").glob("*.json"))}
"""Kinds that are not Kubernetes' own, as far as they are used here."""
MISFITS = yaml.safe_load((HERE / "misfits.yaml").read_text())


def invalid(one: Object, minor: str) -> list[str]:
    """Return what is wrong with one object: by Kubernetes' schema, or by ours for other kinds."""
    try:
        if one["kind"] in OWN_SCHEMAS:
            jsonschema.validate(one, OWN_SCHEMAS[one["kind"]])
        else:
            kubernetes_validate.validate(one, minor, strict=True)
    except jsonschema.ValidationError as error:
        return [f"{name_of(one)}, {minor}: {error.message}"]
    return []


@EVERY
def test_it_is_rendered_and_valid_in_the_last_four_minor_versions(directory):
    objects = rendered(directory)
    assert objects
    assert [problem for one in objects for minor in MINORS for problem in invalid(one, minor)] == []


def test_the_last_four_minor_versions_are_different_ones():
    assert len(set(MINORS)) == 4


@EVERY
def test_it_fits_together(directory):
    assert checks.problems(rendered(directory)) == []


@EVERY
def test_nothing_is_left_as_the_base_has_it(directory):
    """There it is of any service, and called `service`."""
    for one in rendered(directory):
        assert not re.search(r"\bservice\b", one["metadata"]["name"])
        assert one["metadata"].get("labels", {}).get(checks.NAME) != "service"
    for one in checks.workloads(rendered(directory)):
        container = checks.container_of(one)
        told = [
            container["image"],
            *container["command"],
            one["spec"]["template"]["spec"]["serviceAccountName"],
        ]
        assert not [word for word in told if re.search(r"\bservice\b", word)]


@pytest.mark.parametrize("whole", WHOLE, ids=title)
def test_services_are_applied_alone_as_they_are_together(whole):
    parts = [each for each in whole.iterdir() if each.is_dir() and each.name not in {"settings", "migrate"}]
    alone = {name_of(one): one for part in parts for one in rendered(part)}
    assert {name_of(one): one for one in rendered(whole)} == alone
    assert {"namespace", *SERVICES} <= {part.name for part in parts}


def test_every_component_is_rendered_somewhere():
    used = {
        part
        for root in (DEPLOY, OVERLAYS)
        for file in root.rglob("kustomization.yaml")
        for line in file.read_text().splitlines()
        if re.fullmatch(r"  - (\.\./)+\S+", line)
        for part in line.split("/")
    }
    assert {component.name for component in (DEPLOY / "components").iterdir()} <= used


def test_what_production_is_made_of():
    kinds = {one["kind"] for one in rendered(ENVIRONMENTS / "production")}
    assert {"ExternalSecret", "ServiceMonitor", "HorizontalPodAutoscaler", "Ingress"} <= kinds
    assert not {"Secret", "PersistentVolumeClaim"} & kinds


@pytest.mark.parametrize("name", ["order-sync", "account"])
def test_migrations_are_of_the_image_and_the_secret_of_their_service(name):
    (deployment,) = of_kind(rendered(ENVIRONMENTS / "production" / name), "Deployment")
    (job,) = of_kind(rendered(ENVIRONMENTS / "production" / "migrate" / name), "Job")
    ours, theirs = checks.container_of(job), checks.container_of(deployment)
    assert ours["image"] == theirs["image"]
    assert ours["command"] == [*theirs["command"], "migrate"]


def test_a_setting_that_changes_rolls_the_replicas(tmp_path):
    """By another name of the ConfigMap: nothing else would tell them."""
    product = ENVIRONMENTS / "production" / "product"
    up = "/".join([".."] * (len(tmp_path.parts) - 1))
    (tmp_path / "kustomization.yaml").write_text(
        f"resources: ['{up}{product}']\nconfigMapGenerator:\n- name: product\n  namespace: {NAMESPACE}\n"
        "  behavior: merge\n  literals: [NATIONALSITE_LOG_LEVEL=debug]\n"
    )
    before, after = (
        checks.container_of(of_kind(rendered(each), "Deployment")[0])["envFrom"][0]["configMapRef"]["name"]
        for each in (product, tmp_path)
    )
    assert before != after
    (config,) = of_kind(rendered(tmp_path), "ConfigMap")
    assert config["metadata"]["name"] == after
    assert config["data"].keys() > {"NATIONALSITE_LOG_LEVEL", "NATIONALSITE_GATEWAY_URL"}


def test_callers_by_certificate_are_probed_without_one():
    """kubelet has none: a gRPC probe would never succeed."""
    for name in ("product", "order-sync"):
        (one,) = of_kind(rendered(OVERLAYS / "callers" / name), "Deployment")
        asked = [checks.container_of(one)[kind].keys() & {"grpc", "httpGet"} for kind in checks.PROBES]
        assert asked == [{"httpGet"}] * 3


def test_the_dockerfile_is_clean():
    done = subprocess.run(  # noqa: S603 # of this environment
        [BINARIES / "hadolint", DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_every_service_has_an_image():
    stages = re.findall(r"^FROM runtime AS (\S+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    images = [
        checks.container_of(one)["image"].rpartition("/")[2].partition(":")[0]
        for one in checks.workloads(rendered(ENVIRONMENTS / "local"))
    ]
    assert sorted(images) == sorted(stages)


def test_operators_are_told_every_key_of_the_secrets_and_every_label():
    guide = (ROOT / "docs" / "kubernetes.md").read_text()
    manifests = "".join(file.read_text() for file in DEPLOY.rglob("*.yaml"))
    labels = set(re.findall(r"nationalsite/[a-z]+(?=: \"true\")", manifests))
    assert len(labels) == 4
    for word in checks.SECRET_KEYS | labels:
        assert f"`{word}`" in guide, word


# That a check can fail.


def objects_of(environment: str) -> list[Object]:
    """Return an environment with its migrations, each object once."""
    places = [ENVIRONMENTS / environment, ENVIRONMENTS / environment / "migrate"]
    together = {name_of(one): one for place in places if place.exists() for one in rendered(place)}
    return list(together.values())


def changed(objects: list[Object], misfit: Any) -> Object:
    """Make a change of misfits.yaml; return the object that it is of."""
    if "add" in misfit:
        objects.append(misfit["add"])
        return misfit["add"]
    kind, name = misfit["of"].split(" ")
    one = named(objects, kind, name)
    assert one is not None, misfit
    if "variable" in misfit:
        env = checks.container_of(one)["env"]
        env[:] = [each for each in env if each["name"] != misfit["variable"]]
        if "to" in misfit:
            env.append({"name": misfit["variable"], "value": misfit["to"]})
    elif "at" in misfit:
        _put(one, misfit)
    else:
        objects.remove(one)
    if "also" in misfit:
        changed(objects, misfit["also"])
    return one


def _put(one: Object, misfit: Any) -> None:
    starts = {
        "pod": lambda: checks.pod_of(one)["spec"],
        "container": lambda: checks.container_of(one),
    }
    words = [word.replace("\\.", ".") for word in re.split(r"(?<!\\)\.", misfit["at"])]
    place: Any = starts[words.pop(0)]() if words[0] in starts else one
    for word in words[:-1]:
        place = place[int(word) if isinstance(place, list) else word]
    last: Any = int(words[-1]) if isinstance(place, list) else words[-1]
    if "to" in misfit:
        place[last] = misfit["to"]
    else:
        del place[last]


@pytest.mark.parametrize(
    ("environment", "misfit"),
    [(name, misfit) for name in ("production", "local") for misfit in MISFITS[name]],
    ids=lambda value: value["told"] if isinstance(value, dict) else None,
)
def test_what_does_not_fit_is_noticed(environment, misfit):
    objects = objects_of(environment)
    assert checks.problems(objects) == []
    changed(objects, misfit)
    found = checks.problems(objects)
    assert any(misfit["told"] in problem for problem in found), found


@pytest.mark.parametrize("misfit", MISFITS["invalid"], ids=lambda one: f"{one['of']}.{one.get('at', '')}")
def test_what_would_not_be_taken_is_noticed(misfit):
    one = changed(objects_of("production"), misfit)
    for minor in MINORS:
        assert invalid(one, minor)


def test_every_schema_of_ours_is_seen_to_refuse():
    assert {each["of"].split(" ")[0] for each in MISFITS["invalid"]} >= OWN_SCHEMAS.keys()


def test_every_check_is_seen_to_fail():
    seen = set()
    for environment in ("production", "local"):
        for misfit in MISFITS[environment]:
            objects = objects_of(environment)
            changed(objects, misfit)
            seen |= {check.__name__ for check in checks.CHECKS if list(check(objects))}
    assert {check.__name__ for check in checks.CHECKS} - seen == set()
