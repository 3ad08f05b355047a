"""Checks of rendered manifests: consistency, security, availability. One function for each check.

A check takes all objects that are applied together, and yields a line for each problem.
"""

from collections.abc import Sequence

from tests.deploy.checks.hardening import disruption, networks, resources, security
from tests.deploy.checks.manifest_fields import (
    NAME,
    PROBES,
    Check,
    only_container,
    pod_template,
    python_module,
    select_workloads,
    workloads,
)
from tests.deploy.checks.placeholders import placeholders
from tests.deploy.checks.processes import (
    SETTINGS,
    access,
    access_of,
    memory,
    probes,
    replicas,
    settings,
    termination,
)
from tests.deploy.checks.references import SECRET_KEYS, mesh, mounts, references
from tests.deploy.checks.selectors import ownership, ports, selectors
from tests.deploy.kustomize import Object

__all__ = [
    "CHECKS",
    "NAME",
    "PROBES",
    "SECRET_KEYS",
    "SETTINGS",
    "access_of",
    "only_container",
    "placeholders",
    "pod_template",
    "problems",
    "python_module",
    "select_workloads",
    "workloads",
]

CHECKS: tuple[Check, ...] = (
    ownership,
    selectors,
    ports,
    references,
    mesh,
    mounts,
    settings,
    memory,
    access,
    termination,
    probes,
    replicas,
    security,
    resources,
    networks,
    disruption,
)


def problems(objects: Sequence[Object]) -> list[str]:
    """Return the problems that all checks report."""
    return [problem for check in CHECKS for problem in check(objects)]
