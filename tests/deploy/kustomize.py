"""Renders kustomizations with kubectl."""

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
"""Kustomizations for tests, with components that no environment uses."""
BINARIES = Path(sys.executable).parent
NAMESPACE = "nationalsite"
WORKLOADS = frozenset({"CronJob", "Deployment", "Job"})


def find_kustomizations() -> list[Path]:
    """Return every directory with a kustomization."""
    files = [*ENVIRONMENTS.rglob("kustomization.yaml"), *OVERLAYS.rglob("kustomization.yaml")]
    return sorted(file.parent for file in files if "kind: Kustomization" in file.read_text())


def case_id(directory: Path) -> str:
    """Return the test id of a kustomization."""
    for root in (ENVIRONMENTS, OVERLAYS):
        if directory.is_relative_to(root):
            return f"{root.name}/{directory.relative_to(root)}"
    raise ValueError(directory)


@cache
def _render_json(directory: Path) -> str:
    """Return the rendered objects as JSON."""
    finished = subprocess.run(  # noqa: S603 # of this environment
        [BINARIES / "kubectl", "kustomize", directory], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert not finished.stderr, finished.stderr  # a warning announces a future error
    return json.dumps(list(yaml.safe_load_all(finished.stdout)))


def render(directory: Path) -> list[Object]:
    """Return the rendered objects, new ones at each call."""
    objects: list[Object] = json.loads(_render_json(directory))
    return objects


def filter_kind(objects: Iterable[Object], *kinds: str) -> list[Object]:
    """Return the objects of these kinds."""
    return [entry for entry in objects if entry["kind"] in kinds]


def find_object(objects: Iterable[Object], kind: str, name: str) -> Object | None:
    """Return the object of a kind and name, if there is one."""
    return next((entry for entry in filter_kind(objects, kind) if entry["metadata"]["name"] == name), None)


def qualified_name(item: Object) -> str:
    """Return kind and name of an object, for messages."""
    return f"{item['kind']} {item['metadata']['name']}"
