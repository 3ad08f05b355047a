"""Runs what is in the images: each with its own entry point, as its own user, on a root that is read only.

`python -m tools.verify_images`, as root, in a network of its own; `make images` does that.
"""

import os
import shutil
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from nationalsite.product import v1 as protos
from nationalsite.product.v1 import ProductServiceStub

from tests.support.container import Container, Mount, Running
from tools.images import WORK, Image, call, image_of
from tools.local_stack import SANDBOX_APP

SANDBOX = "127.0.0.1:8168"
SERVICES = {"product": 50051, "order-sync": 50052, "account": 50053}
"""Name -> port of gRPC."""
SETTINGS = {
    **SANDBOX_APP,
    "NATIONALSITE_GATEWAY_URL": f"http://{SANDBOX}",
    "NATIONALSITE_DIALECT": "open-platform",
    "NATIONALSITE_DATABASE_URL": "sqlite+aiosqlite:////store/store.db",
}
UNWANTED = ("pip", "pip3", "uv", "gcc", "cc", "make", "curl", "wget")
LOOK = "import os, shutil, sys; print(*filter(shutil.which, sys.argv[1:]), *os.listdir('/app/services'))"
WITHIN_S = 60


def main() -> None:
    """Run everything, call it, end it, and look into it. Raises RuntimeError for what should not be."""
    call("ip", "link", "set", "lo", "up")
    with ExitStack() as stack:
        stack.enter_context(running("sandbox", {"NATIONALSITE_SANDBOX_LISTEN": SANDBOX}))
        until("sandbox", sandbox_answers)
        for name, port in SERVICES.items():
            process = stack.enter_context(running(name, SETTINGS))
            began = time.monotonic()
            until(name, lambda port=port: is_serving(port))  # type: ignore[misc] # the default binds it
            print(f"{name}: SERVING as user {user_of(process)} after {time.monotonic() - began:.1f} s")
        with grpc.insecure_channel(f"127.0.0.1:{SERVICES['product']}") as channel:
            request = protos.SearchByKeywordRequest(keyword="dress", country="japan")
            found = ProductServiceStub(channel).SearchByKeyword(request, timeout=WITHIN_S)
        print(f"product: {len(found.offers)} of {found.total_records} offers for a dress", flush=True)
    print("all of them ended with 0 after SIGTERM")
    for name in SERVICES:
        look_into(name)


@contextmanager
def running(name: str, settings: Mapping[str, str]) -> Iterator[Running]:
    """Run an image with one place to write to; end it with SIGTERM, after which it has to exit with 0."""
    with image_of(name) as image:
        store = WORK / f"{name}.store"
        shutil.rmtree(store, ignore_errors=True)
        store.mkdir()
        os.chown(store, image.user, image.group)
        writable = Mount(source=str(store), path="/store", read_only=False)
        process = start(name, image, image.entry_point, settings, [writable])
        try:
            yield process
            process.signal(signal.SIGTERM)
            if process.wait(WITHIN_S):
                raise RuntimeError(f"{name} did not end well: see {WORK / name}.log")
        finally:
            process.kill()


def start(
    name: str, image: Image, command: Sequence[str], settings: Mapping[str, str], mounts: Sequence[Mount] = ()
) -> Running:
    """Start a command in an image; its output goes to a log."""
    root = WORK / f"{name}.root"
    root.mkdir(exist_ok=True)
    container = Container(
        command=command,
        environment={**image.environment, **settings},
        user=image.user,
        group=image.group,
        directory=image.directory,
        image=image.root,
        mounts=mounts,
    )
    with (WORK / f"{name}.log").open("wb") as log:
        return container.start(root, log)


def look_into(name: str) -> None:
    """Refuse an image with tools for building, or with another service."""
    with image_of(name) as image:
        start(f"{name}.inside", image, ["python", "-c", LOOK, *UNWANTED], {}).wait(WITHIN_S)
    found = set((WORK / f"{name}.inside.log").read_text().split())
    others = {*SERVICES, "sandbox"} - {name}
    if unwanted := found & {*UNWANTED, *(other.replace("-", "_") for other in others)}:
        raise RuntimeError(f"the image of {name} holds {unwanted}")
    if name.replace("-", "_") not in found:
        raise RuntimeError(f"the image of {name} does not hold it: {found}")
    print(f"{name}: no {', '.join(UNWANTED)}, and no other service in its image")


def sandbox_answers() -> bool:
    """Return whether the sandbox takes calls."""
    try:
        with urllib.request.urlopen(f"http://{SANDBOX}/admin/state", timeout=1):  # our own
            return True
    except OSError:
        return False


def is_serving(port: int) -> bool:
    """Return what gRPC's health service says."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def user_of(process: Running) -> str:
    """Return the user id of a running process."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))


def until(name: str, happens: Callable[[], bool]) -> None:
    """Wait for something. Raises RuntimeError."""
    deadline = time.monotonic() + WITHIN_S
    while not happens():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} does not serve: see {WORK / name}.log")
        time.sleep(0.1)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
