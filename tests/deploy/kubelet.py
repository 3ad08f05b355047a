"""Runs pods of rendered manifests as local processes, as kubelet does for a Deployment or a Job.

A field that is not supported is an error; none is ignored silently.
"""

import base64
import os
import re
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.deploy.checks.manifest_fields import memory_mib
from tests.deploy.kustomize import DEPLOY, ROOT, Object, find_object
from tests.support.container import Container, Image, Mount, RunningContainer

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ssl", "/etc/ld.so.cache")
"""Directories of the host that replace the image's."""
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """The node that pods run on."""

    objects: Sequence[Object]
    directory: Path
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Secrets that are not in a manifest, by name and key."""
    host_mounts: Sequence[Mount] = ()
    """Socket directories of servers outside the cluster."""
    images: Mapping[str, Image] = field(default_factory=dict)
    """Images by workload. Without one, this machine's Python and the repository take its place."""


class Pod:
    """One pod of a workload: its only container, as a process."""

    def __init__(self, node: Node, workload: Object, *, log: str = "") -> None:
        self.name = workload["metadata"]["name"]
        self._node = node
        self._workload = workload
        self._spec = workload["spec"]["template"]["spec"]
        (self._container,) = self._spec["containers"]
        self.grace_s = self._spec.get("terminationGracePeriodSeconds", 30)
        self.log = node.directory / f"{log or self.name}.log"
        self._root = node.directory / f"{log or self.name}.root"
        self._running: RunningContainer | None = None

    def start(self, *, own_network: bool = False) -> None:
        """Start the container on the network of the node, or, as in a real cluster, on its own."""
        self._root.mkdir(exist_ok=True)
        pod, own = self._spec["securityContext"], self._container["securityContext"]
        image = self._node.images.get(self.name)
        assert "preStop" not in self._container.get("lifecycle", {}), "preStop is not supported"
        with self.log.open("wb") as log:
            self._running = Container(
                command=[*self._container["command"], *self._container.get("args", [])],
                environment={
                    **(image.environment if image else image_environment()),
                    **self.environment(),
                },
                image=image.root if image else "",
                user=pod["runAsUser"],
                group=pod["runAsGroup"],
                directory=image.directory if image else "/app",
                read_only=own["readOnlyRootFilesystem"],
                new_privileges=own["allowPrivilegeEscalation"],
                own_network=own_network,
                mounts=[
                    *([] if image else image_mounts()),
                    *self._names(),
                    *self._volumes(),
                    *self._node.host_mounts,
                ],
            ).start(self._root, log)

    def environment(self) -> dict[str, str]:
        """Return the container's variables."""
        result: dict[str, str] = {}
        for source in self._container.get("envFrom", []):
            result |= self._object("ConfigMap", source["configMapRef"]["name"])["data"]
        return result | {entry["name"]: entry["value"] for entry in self._container.get("env", [])}

    def wait_until_ready(self) -> float:
        """Wait for startup and readiness probes as kubelet does; return the duration. Check liveness once."""
        started = time.monotonic()
        self._wait_for_probe("startupProbe")
        self._wait_for_probe("readinessProbe")
        took_s = time.monotonic() - started
        assert self.probe("livenessProbe"), f"{self.name} would be killed:\n{self.log.read_text()}"
        return took_s

    def _wait_for_probe(self, kind: str) -> None:
        probe = self._container[kind]
        time.sleep(probe.get("initialDelaySeconds", 0))
        for _ in range(probe.get("failureThreshold", 3)):
            if self.probe(kind):
                return
            assert self.exit_code() is None, f"{self.name} ended:\n{self.log.read_text()}"
            time.sleep(probe.get("periodSeconds", 10))
        raise AssertionError(f"{self.name}: {kind} failed too often:\n{self.log.read_text()}")

    def probe(self, kind: str) -> bool:
        """Run a probe once, with its timeout."""
        probe = self._container[kind]
        timeout_s = probe.get("timeoutSeconds", 1)
        (probe_type,) = (name for name in _PROBES if name in probe)
        port = probe[probe_type]["port"]
        if isinstance(port, str):
            port = next(entry["containerPort"] for entry in self._container["ports"] if entry["name"] == port)
        return _PROBES[probe_type](probe[probe_type], port, timeout_s)

    def terminate(self) -> None:
        """Send SIGTERM."""
        assert self._running is not None
        self._running.signal(signal.SIGTERM)

    def wait(self, timeout_s: float) -> int:
        """Return the exit code."""
        assert self._running is not None
        return self._running.wait(timeout_s)

    def exit_code(self) -> int | None:
        """Return the exit code; None while it runs."""
        assert self._running is not None
        return self._running.exit_code()

    def kill(self) -> None:
        """Send SIGKILL, if it was started."""
        if self._running is not None:
            self._running.kill()

    def memory_mib(self) -> float:
        """Return the resident memory."""
        assert self._running is not None
        status = Path(f"/proc/{self._running.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024

    def cpu_s(self) -> float:
        """Return the CPU time."""
        assert self._running is not None
        fields = Path(f"/proc/{self._running.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def requested(self, kind: str) -> float:
        """Return the memory of `requests` or `limits`, in MiB."""
        return memory_mib(self._workload, kind)

    def _object(self, kind: str, name: str) -> Object:
        result = find_object(self._node.objects, kind, name)
        assert result is not None, f"{self.name} refers to {kind} {name}, which does not exist"
        return result

    def _volumes(self) -> list[Mount]:
        volumes = {entry["name"]: entry for entry in self._spec.get("volumes", [])}
        return [
            Mount(
                source=str(self._volume(volumes[entry["name"]])),
                path=entry["mountPath"],
                read_only=entry.get("readOnly", False),
            )
            for entry in self._container.get("volumeMounts", [])
        ]

    def _volume(self, volume: Object) -> Path:
        (kind,) = volume.keys() - {"name"}
        source = volume[kind]
        group = self._spec["securityContext"]["fsGroup"]
        match kind:
            case "persistentVolumeClaim":
                self._object("PersistentVolumeClaim", source["claimName"])
                directory = self._node.directory / source["claimName"]
                directory.mkdir(exist_ok=True)
                os.chown(directory, 0, group)
                directory.chmod(0o2775)  # as kubelet does with an fsGroup
                return directory
            case "secret":
                return self._files(volume["name"], self._secret(source["secretName"]), source, group)
            case "configMap":
                return self._files(
                    volume["name"], self._object("ConfigMap", source["name"])["data"], source, group
                )
        raise AssertionError(f"{self.name}: unknown volume type {kind}")

    def _secret(self, name: str) -> Mapping[str, str]:
        if name in self._node.secrets:
            return self._node.secrets[name]
        return {
            key: base64.b64decode(text).decode() for key, text in self._object("Secret", name)["data"].items()
        }

    def _files(self, name: str, contents: Mapping[str, str], source: Object, group: int) -> Path:
        directory = self._root.with_suffix(f".{name}")
        directory.mkdir(exist_ok=True)
        items = source.get("items") or [{"key": key, "path": key} for key in contents]
        for item in items:
            if source.get("optional") and item["key"] not in contents:
                continue
            file = directory / item["path"]
            file.write_text(contents[item["key"]])
            os.chown(file, 0, group)
            file.chmod(source.get("defaultMode", 0o644))
        return directory

    def _names(self) -> list[Mount]:
        """Return a hosts file that resolves every Service to this machine."""
        hosts = self._node.directory / "hosts"
        services = [entry["metadata"]["name"] for entry in self._node.objects if entry["kind"] == "Service"]
        hosts.write_text("".join(f"{HOST} {name}\n" for name in ("localhost", *services)))
        return [Mount(source=str(hosts), path="/etc/hosts")]


def image_environment() -> dict[str, str]:
    """Return the variables of the image, with the PATH of this environment's Python."""
    lines = re.findall(r"^ENV (.*PYTHONPATH.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    (words,) = (line.split() for line in lines)
    variables = dict(word.split("=", 1) for word in words)
    return variables | {"PATH": f"{Path(sys.prefix) / 'bin'}:/usr/bin:/bin"}


def image_mounts() -> list[Mount]:
    """Return mounts for the content of the image: Python, its packages, the code in /app."""
    places = [directory for directory in SYSTEM if Path(directory).exists()]
    mounts = [Mount(source=directory, path=directory) for directory in {*places, sys.prefix, sys.base_prefix}]
    mounts.append(Mount(source=str(ROOT / "services"), path="/app/services"))
    generated = ROOT / "gen" / "python"
    return mounts + [
        Mount(source=str(entry), path=f"/app/{entry.name}") for entry in generated.iterdir() if entry.is_dir()
    ]


def _probe_grpc(probe: Object, port: int, timeout_s: float) -> bool:
    with grpc.insecure_channel(f"{HOST}:{port}") as channel:
        request = health_pb2.HealthCheckRequest(service=probe.get("service", ""))
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout_s)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _probe_http(probe: Object, port: int, timeout_s: float) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}{probe['path']}", timeout=timeout_s):
            return True
    except OSError:  # no connection, no answer, or one of 400 and above
        return False


_PROBES: Mapping[str, Callable[[Object, int, float], bool]] = {"grpc": _probe_grpc, "httpGet": _probe_http}
