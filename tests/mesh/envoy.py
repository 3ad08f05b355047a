"""deploy/envoy as it stands, run here: only addresses, ports and paths of certificates are this machine's."""

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

FOLDER = local_stack.ROOT / "deploy" / "envoy"
BINARY = Path(sys.executable).parent / "envoy"
TIMEOUT_S = 20
Config = dict[str, Any]
Change = Callable[[Config], None]


def configuration() -> Config:
    """Return what is deployed."""
    found: Config = yaml.safe_load((FOLDER / "envoy.yaml").read_text())
    return found


def clusters(config: Config) -> dict[str, Config]:
    """Return the clusters by name."""
    return {cluster["name"]: cluster for cluster in config["static_resources"]["clusters"]}


def connections(config: Config, listener: str = "grpc") -> Config:
    """Return what a listener does with HTTP."""
    found = next(each for each in config["static_resources"]["listeners"] if each["name"] == listener)
    filters: list[Config] = found["filter_chains"][0]["filters"]
    settings: Config = filters[0]["typed_config"]
    return settings


def routes(config: Config, listener: str = "grpc") -> list[Config]:
    """Return the routes of a listener, in their order."""
    found: list[Config] = connections(config, listener)["route_config"]["virtual_hosts"][0]["routes"]
    return found


def without_rbac(config: Config) -> None:
    """Let Envoy admit everybody with a certificate, so that the services' own policy is seen."""
    settings = connections(config)
    settings["http_filters"] = [each for each in settings["http_filters"] if "rbac" not in each["name"]]


def without_upstream_tls(config: Config) -> None:
    """Go on to the replicas in plain text, as a proxy in the same pod does."""
    for cluster in clusters(config).values():
        cluster.pop("transport_socket", None)


def callers_are_internal(config: Config) -> None:
    """Trust callers as Envoy trusts its own network where one is named, with what they order by headers."""
    ranges = [{"address_prefix": "127.0.0.0", "prefix_len": 8}]
    connections(config)["internal_address_config"] = {"cidr_ranges": ranges}


class Envoy:
    """A running Envoy."""

    def __init__(self, process: subprocess.Popen[bytes], admin: str) -> None:
        self.process = process
        self._admin = admin

    def ask(self, path: str) -> Any:
        """Return what the admin side answers in JSON."""
        with urllib.request.urlopen(f"http://{self._admin}/{path}", timeout=TIMEOUT_S) as answer:
            return json.loads(answer.read())

    def address(self, listener: str) -> str:
        """Return host:port of a listener."""
        statuses = self.ask("listeners?format=json")["listener_statuses"]
        told = next(each["local_address"] for each in statuses if each["name"] == listener)["socket_address"]
        return f"{told['address']}:{told['port_value']}"

    def stat(self, name: str) -> int:
        """Return a counter or gauge; one that does not exist is an error."""
        pattern = urllib.parse.quote(f"^{name}$")
        stats = self.ask(f"stats?format=json&filter={pattern}")["stats"]
        (found,) = (each["value"] for each in stats if each.get("name") == name)
        return int(found)

    def hosts(self, cluster: str) -> dict[str, Config]:
        """Return the replicas that Envoy knows of, by address, each with what is held against it."""
        statuses = self.ask("clusters?format=json")["cluster_statuses"]
        found = next(each for each in statuses if each["name"] == cluster)
        return {
            host["address"]["socket_address"]["address"]: {
                key: value for key, value in host["health_status"].items() if key != "eds_health_status"
            }
            for host in found.get("host_statuses", ())
        }

    def taking(self, cluster: str) -> set[str]:
        """Return the addresses that calls are sent to."""
        return {address for address, against in self.hosts(cluster).items() if not any(against.values())}

    def until(self, condition: Callable[[], bool], within_s: float = TIMEOUT_S) -> float:
        """Wait for a condition; return how long it took."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < within_s, self.ask("clusters?format=json")
            time.sleep(0.02)
        return time.monotonic() - began


@contextmanager
def running_envoy(
    folder: Path, resolver_port: int, fleets: Sequence[Fleet], *changes: Change
) -> Iterator[Envoy]:
    """Yield an Envoy before the fleets, as soon as it sends calls to all of their replicas.

    The folder has its certificates (tls.crt, tls.key, ca.crt).
    """
    config = configuration()
    for change in changes:
        change(config)
    _settle(config, folder, resolver_port, fleets)
    for name in ("certificate", "authorities"):
        text = (FOLDER / "sds" / f"{name}.yaml").read_text()
        (folder / f"{name}.yaml").write_text(text.replace("/etc/envoy/tls", str(folder)))
    (folder / "envoy.json").write_text(json.dumps(config))
    local_stack.LOG_DIR.mkdir(parents=True, exist_ok=True)
    told = folder / "admin"
    arguments: list[str | Path] = [
        "-c",
        folder / "envoy.json",
        "--admin-address-path",
        told,
        "--disable-hot-restart",
    ]
    with (local_stack.LOG_DIR / f"{folder.name}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 # of this environment
            [BINARY, *arguments, "--concurrency", "2", "--log-level", "warning"], stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while not (told.exists() and told.read_text()):
            assert process.poll() is None, (local_stack.LOG_DIR / f"{folder.name}.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        envoy = Envoy(process, told.read_text())
        envoy.until(lambda: envoy.ask("server_info")["state"] == "LIVE")
        for fleet in fleets:
            everyone = set(fleet.members)
            envoy.until(lambda fleet=fleet, everyone=everyone: envoy.taking(fleet.name) == everyone)
        yield envoy
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT_S)


def _settle(config: Config, folder: Path, resolver_port: int, fleets: Sequence[Fleet]) -> None:
    """Put this machine's addresses, ports and paths in."""
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
    """Replace the folder of every `path` below a node; nodes that YAML's aliases share are replaced once."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "path" and isinstance(value, str) and value.startswith(deployed):
                node[key] = here + value.removeprefix(deployed)
            else:
                _replace_paths(value, deployed, here)
    elif isinstance(node, list):
        for value in node:
            _replace_paths(value, deployed, here)
