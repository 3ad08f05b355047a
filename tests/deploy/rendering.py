"""What kubectl makes of a kustomization, as objects."""

import json
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ENVIRONMENTS = DEPLOY / "environments"
OVERLAYS = Path(__file__).parent / "overlays"
"""Kustomizations of the tests' own: components that no environment has switched on."""
BINARIES = Path(sys.executable).parent
NAMESPACE = "nationalsite"
WORKLOADS = frozenset({"Deployment", "Job"})


def kustomizations() -> list[Path]:
    """Return every directory that can be applied."""
    files = [*ENVIRONMENTS.rglob("kustomization.yaml"), *OVERLAYS.rglob("kustomization.yaml")]
    return sorted(file.parent for file in files if "kind: Kustomization" in file.read_text())


def title(directory: Path) -> str:
    """Return what a test calls a kustomization."""
    for root in (ENVIRONMENTS, OVERLAYS):
        if directory.is_relative_to(root):
            return f"{root.name}/{directory.relative_to(root)}"
    raise ValueError(directory)


@cache
def _rendered(directory: Path) -> str:
    """Return as JSON what would be applied, as `kubectl apply -k` makes it."""
    done = subprocess.run(  # noqa: S603 # of this environment
        [BINARIES / "kubectl", "kustomize", directory], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr  # a warning is of something that will not work for long
    return json.dumps(list(yaml.safe_load_all(done.stdout)))


def rendered(directory: Path) -> list[Object]:
    """Return what would be applied; each call gives objects that nobody else has."""
    objects: list[Object] = json.loads(_rendered(directory))
    return objects


def of_kind(objects: Iterable[Object], *kinds: str) -> list[Object]:
    """Return the objects of some kinds."""
    return [each for each in objects if each["kind"] in kinds]


def named(objects: Iterable[Object], kind: str, name: str) -> Object | None:
    """Return the object of a kind and name."""
    return next((each for each in of_kind(objects, kind) if each["metadata"]["name"] == name), None)


def name_of(one: Object) -> str:
    """Return how an object is told of."""
    return f"{one['kind']} {one['metadata']['name']}"
