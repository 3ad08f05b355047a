"""Runs the images: each with its own entry point, as its own user, on a read-only root file system.

`make images` calls this as root in a network namespace of its own: `python -m tools.verify_images`.
"""

import os
import shutil
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from nationalsite.product import v1 as protos
from nationalsite.product.v1 import ProductServiceStub

from tests.support.container import Container, Mount, RunningContainer
from tools.images import WORK_DIR, Image, mounted_image, run_command
from tools.local_stack import SANDBOX_APP
from tools.usage import build_parser

SANDBOX = "127.0.0.1:8168"
GRPC_PORTS = {"product": 50051, "order-sync": 50052, "account": 50053}
SETTINGS = {
    **SANDBOX_APP,
    "NATIONALSITE_GATEWAY_URL": f"http://{SANDBOX}",
    "NATIONALSITE_DIALECT": "open-platform",
    "NATIONALSITE_ALLOW_UNAUTHENTICATED_CALLERS": "on",
    "NATIONALSITE_DATABASE_URL": "sqlite+aiosqlite:////store/store.db",
}
BUILD_TOOLS = ("pip", "pip3", "uv", "gcc", "cc", "make", "curl", "wget")
"""Programs that no image may contain."""
LIST_CONTENT = (
    "import os, shutil, sys; print(*filter(shutil.which, sys.argv[1:]), *os.listdir('/app/services'))"
)
"""Prints those of its arguments that are programs, and the services."""
TIMEOUT_S = 60


def main() -> None:
    """Run, call and stop every image, and check its content. Raises RuntimeError for a failed check."""
    run_command("ip", "link", "set", "lo", "up")
    with ExitStack() as stack:
        stack.enter_context(running_image("sandbox", {"NATIONALSITE_SANDBOX_LISTEN": SANDBOX}))
        wait_until_ready("sandbox", is_sandbox_ready)
        for name, port in GRPC_PORTS.items():
            container = stack.enter_context(running_image(name, SETTINGS))
            started = time.monotonic()
            wait_until_ready(name, partial(is_serving, port))
            print(f"{name}: SERVING as user {user_id(container)} after {time.monotonic() - started:.1f} s")
        with grpc.insecure_channel(f"127.0.0.1:{GRPC_PORTS['product']}") as channel:
            request = protos.SearchByKeywordRequest(keyword="dress", country="japan")
            response = ProductServiceStub(channel).SearchByKeyword(request, timeout=TIMEOUT_S)
        print(f"product: {len(response.offers)} of {response.total_size} offers for a dress", flush=True)
    print("every container exited with 0 after SIGTERM")
    for name in GRPC_PORTS:
        check_content(name)


@contextmanager
def running_image(name: str, settings: Mapping[str, str]) -> Iterator[RunningContainer]:
    """Run an image with one writable directory. At the end it gets SIGTERM, and has to exit with 0."""
    with mounted_image(name) as image:
        store = WORK_DIR / f"{name}.store"
        shutil.rmtree(store, ignore_errors=True)
        store.mkdir()
        os.chown(store, image.user, image.group)
        writable = Mount(source=str(store), path="/store", read_only=False)
        container = start(name, image, image.entry_point, settings, [writable])
        try:
            yield container
            container.signal(signal.SIGTERM)
            if container.wait(TIMEOUT_S):
                raise RuntimeError(f"{name} did not exit with 0: see {WORK_DIR / name}.log")
        finally:
            container.kill()


def start(
    name: str, image: Image, command: Sequence[str], settings: Mapping[str, str], mounts: Sequence[Mount] = ()
) -> RunningContainer:
    """Start a command in an image; its output goes to a log."""
    root = WORK_DIR / f"{name}.root"
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
    with (WORK_DIR / f"{name}.log").open("wb") as log:
        return container.start(root, log)


def check_content(name: str) -> None:
    """Raise RuntimeError if an image contains build tools or another service."""
    with mounted_image(name) as image:
        list_content = ["python", "-c", LIST_CONTENT, *BUILD_TOOLS]
        start(f"{name}.content", image, list_content, {}).wait(TIMEOUT_S)
    content = set((WORK_DIR / f"{name}.content.log").read_text().split())
    other_services = {service.replace("-", "_") for service in (*GRPC_PORTS, "sandbox") if service != name}
    if unwanted := content & {*BUILD_TOOLS, *other_services}:
        raise RuntimeError(f"the image of {name} contains {unwanted}")
    if name.replace("-", "_") not in content:
        raise RuntimeError(f"the image of {name} does not contain the service: {content}")
    print(f"{name}: its image contains no other service, and none of {', '.join(BUILD_TOOLS)}")


def is_sandbox_ready() -> bool:
    """Return whether the sandbox accepts calls and serves its page."""
    try:
        for path in ("admin/state", "", "main.js"):
            with urllib.request.urlopen(f"http://{SANDBOX}/{path}", timeout=1):  # our own
                pass
    except OSError:
        return False
    return True


def is_serving(port: int) -> bool:
    """Return whether the health service responds with SERVING."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            response = stub.Check(health_pb2.HealthCheckRequest(), timeout=1)  # type: ignore[attr-defined] # types-grpcio-health-checking does not declare it
        except grpc.RpcError:
            return False
    return bool(response.status == health_pb2.HealthCheckResponse.SERVING)


def user_id(container: RunningContainer) -> str:
    """Return the user id of a running container."""
    status = Path(f"/proc/{container.pid}/status").read_text()
    return next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))


def wait_until_ready(name: str, is_ready: Callable[[], bool]) -> None:
    """Poll until a container is ready. Raises RuntimeError after TIMEOUT_S."""
    deadline = time.monotonic() + TIMEOUT_S
    while not is_ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} is not ready: see {WORK_DIR / name}.log")
        time.sleep(0.1)


if __name__ == "__main__":
    build_parser(
        "python -m tools.verify_images", __doc__, "unshare --net python -m tools.verify_images"
    ).parse_args()
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
