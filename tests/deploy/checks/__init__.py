"""Whether rendered manifests fit together, and hold what is asked of them: one function for each question.

Each takes everything that is applied together, and returns a line for each thing that is wrong.
"""

from collections.abc import Sequence

from tests.deploy.checks.processes import ending, probes, replicas, settings
from tests.deploy.checks.reading import NAME, PROBES, Check, container_of, pod_of, selected, workloads
from tests.deploy.checks.references import SECRET_KEYS, mesh, mounts, references
from tests.deploy.checks.safety import disruption, networks, resources, security
from tests.deploy.checks.selecting import belonging, ports, selectors
from tests.deploy.rendering import Object

__all__ = [
    "CHECKS",
    "NAME",
    "PROBES",
    "SECRET_KEYS",
    "container_of",
    "pod_of",
    "problems",
    "selected",
    "workloads",
]

CHECKS: tuple[Check, ...] = (
    belonging,
    selectors,
    ports,
    references,
    mesh,
    mounts,
    settings,
    ending,
    probes,
    replicas,
    security,
    resources,
    networks,
    disruption,
)


def problems(objects: Sequence[Object]) -> list[str]:
    """Return everything that is wrong."""
    return [problem for check in CHECKS for problem in check(objects)]
