"""Runs the Envoy of deploy/envoy; only addresses, ports and certificate paths are replaced."""

import json
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.mesh.fleet import Fleet
from tools import local_stack

ENVOY_DIR = local_stack.ROOT / "deploy" / "envoy"
BINARY = Path(sys.executable).parent / "envoy"
TIMEOUT_S = 20
Config = dict[str, Any]
Change = Callable[[Config], None]


def deployed_config() -> Config:
    """Return the configuration in deploy/envoy."""
    config: Config = yaml.safe_load((ENVOY_DIR / "envoy.yaml").read_text())
    return config


def clusters(config: Config) -> dict[str, Config]:
    """Return the clusters by name."""
    return {cluster["name"]: cluster for cluster in config["static_resources"]["clusters"]}


def connection_manager(config: Config, listener: str = "grpc") -> Config:
    """Return the HTTP connection manager of a listener."""
    listeners = config["static_resources"]["listeners"]
    listener_config = next(candidate for candidate in listeners if candidate["name"] == listener)
    filters: list[Config] = listener_config["filter_chains"][0]["filters"]
    settings: Config = filters[0]["typed_config"]
    return settings


def routes(config: Config, listener: str = "grpc") -> list[Config]:
    """Return the routes of a listener, in order."""
    virtual_host = connection_manager(config, listener)["route_config"]["virtual_hosts"][0]
    matched_routes: list[Config] = virtual_host["routes"]
    return matched_routes


def remove_rbac(config: Config) -> None:
    """Remove RBAC from Envoy, so that the policy of the services decides."""
    settings = connection_manager(config)
    settings["http_filters"] = [
        http_filter for http_filter in settings["http_filters"] if "rbac" not in http_filter["name"]
    ]


def remove_upstream_tls(config: Config) -> None:
    """Connect to the replicas without TLS, like a proxy in the same pod."""
    for cluster in clusters(config).values():
        cluster.pop("transport_socket", None)


def forward_dns_names(config: Config) -> None:
    """Forward the DNS names of certificates too, as Istio's sidecars do."""
    connection_manager(config)["set_current_client_cert_details"]["dns"] = True


def trust_caller_headers(config: Config) -> None:
    """Treat callers as internal, so that Envoy would obey their retry headers."""
    ranges = [{"address_prefix": "127.0.0.0", "prefix_len": 8}]
    connection_manager(config)["internal_address_config"] = {"cidr_ranges": ranges}


class Envoy:
    """A running Envoy."""

    def __init__(self, process: subprocess.Popen[bytes], admin_address: str) -> None:
        self.process = process
        self._admin_address = admin_address

    def admin(self, path: str) -> Any:
        """Return the JSON of an admin path."""
        with urllib.request.urlopen(f"http://{self._admin_address}/{path}", timeout=TIMEOUT_S) as response:
            return json.loads(response.read())

    def address(self, listener: str) -> str:
        """Return host:port of a listener."""
        statuses = self.admin("listeners?format=json")["listener_statuses"]
        status = next(status for status in statuses if status["name"] == listener)
        address = status["local_address"]["socket_address"]
        return f"{address['address']}:{address['port_value']}"

    def stat(self, name: str) -> int:
        """Return a counter or gauge. Raises ValueError if it does not exist."""
        pattern = urllib.parse.quote(f"^{name}$")
        stats = self.admin(f"stats?format=json&filter={pattern}")["stats"]
        (value,) = (stat["value"] for stat in stats if stat.get("name") == name)
        return int(value)

    def hosts(self, cluster: str) -> dict[str, Config]:
        """Return the known replicas by address, each with its health flags."""
        statuses = self.admin("clusters?format=json")["cluster_statuses"]
        status = next(status for status in statuses if status["name"] == cluster)
        return {
            host["address"]["socket_address"]["address"]: {
                key: value for key, value in host["health_status"].items() if key != "eds_health_status"
            }
            for host in status.get("host_statuses", ())
        }

    def active_hosts(self, cluster: str) -> set[str]:
        """Return the addresses of the replicas that get calls."""
        return {address for address, flags in self.hosts(cluster).items() if not any(flags.values())}

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> float:
        """Wait until a condition holds; return the duration."""
        started = time.monotonic()
        while not condition():
            assert time.monotonic() - started < timeout_s, self.admin("clusters?format=json")
            time.sleep(0.02)
        return time.monotonic() - started


@contextmanager
def running_envoy(
    folder: Path, resolver_port: int, fleets: Sequence[Fleet], *changes: Change
) -> Iterator[Envoy]:
    """Yield an Envoy in front of the fleets, once it sends calls to all replicas.

    `folder` contains its certificates (tls.crt, tls.key, ca.crt).
    """
    config = deployed_config()
    for change in changes:
        change(config)
    _localize(config, folder, resolver_port, fleets)
    for name in ("certificate", "authorities"):
        text = (ENVOY_DIR / "sds" / f"{name}.yaml").read_text()
        (folder / f"{name}.yaml").write_text(text.replace("/etc/envoy/tls", str(folder)))
    (folder / "envoy.json").write_text(json.dumps(config))
    local_stack.LOG_DIR.mkdir(parents=True, exist_ok=True)
    admin_file = folder / "admin"
    arguments: list[str | Path] = [
        "-c",
        folder / "envoy.json",
        "--admin-address-path",
        admin_file,
        "--disable-hot-restart",
    ]
    with (local_stack.LOG_DIR / f"{folder.name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 # envoy of this environment
            [BINARY, *arguments, "--concurrency", "2", "--log-level", "warning"], stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while not (admin_file.exists() and admin_file.read_text()):
            assert process.poll() is None, (local_stack.LOG_DIR / f"{folder.name}.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        envoy = Envoy(process, admin_file.read_text())
        envoy.wait_until(lambda: envoy.admin("server_info")["state"] == "LIVE")
        for fleet in fleets:
            members = set(fleet.members)
            envoy.wait_until(lambda fleet=fleet, members=members: envoy.active_hosts(fleet.name) == members)
        yield envoy
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT_S)


def _localize(config: Config, folder: Path, resolver_port: int, fleets: Sequence[Fleet]) -> None:
    """Replace addresses, ports and paths by those of this machine."""
    config["admin"]["address"]["socket_address"]["port_value"] = 0
    for listener in config["static_resources"]["listeners"]:
        listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": 0}
    ports: dict[str, Mapping[str, int]] = {}
    for fleet in fleets:
        ports[fleet.name] = {"port_value": fleet.port}
        ports[f"{fleet.name}-callback"] = {"port_value": fleet.callback_port, "health": fleet.http_port}
    for name, cluster in clusters(config).items():
        resolver = cluster["cluster_type"]["typed_config"]["typed_dns_resolver_config"]["typed_config"]
        resolver["resolvers"] = [
            {"socket_address": {"protocol": "UDP", "address": "127.0.0.1", "port_value": resolver_port}}
        ]
        if name in ports:
            endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
            endpoint["address"]["socket_address"]["port_value"] = ports[name]["port_value"]
            if "health_check_config" in endpoint:
                endpoint["health_check_config"]["port_value"] = ports[name]["health"]
    _replace_paths(config, "/etc/envoy/sds", str(folder))


def _replace_paths(node: Any, deployed: str, here: str) -> None:
    """Replace the directory of every `path` below a node. YAML aliases share nodes: each is replaced once."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "path" and isinstance(value, str) and value.startswith(deployed):
                node[key] = here + value.removeprefix(deployed)
            else:
                _replace_paths(value, deployed, here)
    elif isinstance(node, list):
        for value in node:
            _replace_paths(value, deployed, here)
