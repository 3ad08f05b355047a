"""`make gen` writes the mesh's lists of reads from the protos."""

import itertools

from tools.generation.mesh import ENVOY_CONFIG, VIRTUAL_SERVICE, read_paths, update_envoy, update_istio

PATHS = ["/a.v1.A/First", "/a.v1.A/Second", "/a.v1.A/Third"]


def test_envoy_routes() -> None:
    lines = [line.strip() for line in update_envoy(ENVOY_CONFIG.read_text(), PATHS).splitlines()]
    routes = ("route: &read", "route: *read")
    matches = [match for match, route in itertools.pairwise(lines) if route in routes]
    assert matches == [f"- match: {{path: {path}, grpc: {{}}}}" for path in PATHS]


def test_istio_matches() -> None:
    lines = update_istio(VIRTUAL_SERVICE.read_text(), PATHS).splitlines()
    assert [line.strip() for line in lines if "exact: " in line] == [
        f"uri: {{exact: {path}}}" for path in PATHS
    ]


def test_files_are_up_to_date() -> None:
    envoy, istio = ENVOY_CONFIG.read_text(), VIRTUAL_SERVICE.read_text()
    assert (update_envoy(envoy, read_paths()), update_istio(istio, read_paths())) == (envoy, istio)
