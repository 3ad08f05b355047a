"""The lists of reads in the mesh's configuration, which a proxy may retry: built from the idempotency levels.

Only these lists are generated. The rest of the files is written by hand.
"""

import re

from google.protobuf.descriptor_pb2 import MethodOptions

from tools.generation import descriptors
from tools.generation.service_configs import SERVICES
from tools.generation.sources import GEN_DIR

_DEPLOY_DIR = GEN_DIR.parent / "deploy"
ENVOY_CONFIG = _DEPLOY_DIR / "envoy" / "envoy.yaml"
VIRTUAL_SERVICE = _DEPLOY_DIR / "services" / "product" / "istio" / "virtual-service.yaml"

_SERVICE = SERVICES["product"]
"""Proxies retry the reads of this service only (docs/mesh.md)."""
_ENVOY_FIRST = re.compile(r"^( *)- match: \{path: \S+, grpc: \{\}\}(?=\n *route: &read\n)", re.MULTILINE)
_ENVOY_OTHERS = re.compile(r"(^ *- match: \{path: \S+, grpc: \{\}\}\n *route: \*read\n)+", re.MULTILINE)
_ISTIO_MATCHES = re.compile(
    r"(?<=    - name: reads\n      match:\n)( *- port: (\d+)\n *uri: \{exact: \S+\}\n)+", re.MULTILINE
)


def generate() -> None:
    """Write the lists."""
    paths = read_paths()
    ENVOY_CONFIG.write_text(update_envoy(ENVOY_CONFIG.read_text(), paths))
    VIRTUAL_SERVICE.write_text(update_istio(VIRTUAL_SERVICE.read_text(), paths))


def read_paths() -> list[str]:
    """Return the paths of the reads, in the order of the protos."""
    methods = (
        method
        for file in descriptors.read().file
        for service in file.service
        if f"{file.package}.{service.name}" == _SERVICE
        for method in service.method
    )
    return [
        f"/{_SERVICE}/{method.name}"
        for method in methods
        if method.options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    ]


def update_envoy(text: str, paths: list[str]) -> str:
    """Replace the routes of reads. The first route defines the YAML anchor `read`, which the others use."""
    first, *others = paths
    match = _ENVOY_FIRST.search(text)
    if match is None or _ENVOY_OTHERS.search(text) is None:
        raise ValueError(f"{ENVOY_CONFIG.name}: the routes of reads were not found")
    indent = match[1]
    text = _ENVOY_FIRST.sub(f"{indent}- match: {{path: {first}, grpc: {{}}}}", text)
    routes = (f"{indent}- match: {{path: {path}, grpc: {{}}}}\n{indent}  route: *read\n" for path in others)
    return _ENVOY_OTHERS.sub("".join(routes), text, count=1)


def update_istio(text: str, paths: list[str]) -> str:
    """Replace the matches of reads."""
    match = _ISTIO_MATCHES.search(text)
    if match is None:
        raise ValueError(f"{VIRTUAL_SERVICE.name}: the list of reads was not found")
    matches = (f"        - port: {match[2]}\n          uri: {{exact: {path}}}\n" for path in paths)
    return _ISTIO_MATCHES.sub("".join(matches), text, count=1)
