"""Runs each image as its pod does in deploy/environments/local: user, read-only root, variables, probes.

`make images` calls this as root in a network namespace of its own: `python -m tools.verify_images`.
"""

import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.deploy.cluster import CALLS, SERVICES, Cluster, running_cluster
from tests.deploy.kubelet import HOST, Node
from tests.deploy.kustomize import ENVIRONMENTS, render
from tests.support.container import Container, Image
from tools.images import IMAGES, WORK_DIR, mounted_image, run_command
from tools.usage import build_parser

BUILD_TOOLS = ("pip", "pip3", "uv", "gcc", "cc", "make", "curl", "wget")
"""Programs that no image may contain."""
LIST_CONTENT = (
    "import os, shutil, sys; print(*filter(shutil.which, sys.argv[1:]), *os.listdir('/app/services'))"
)
"""Prints those of its arguments that are programs, and the services."""
PAGE = ("", "main.js")
"""Files of the sandbox's page."""
TIMEOUT_S = 60


def main() -> None:
    """Check the content of every image, and run, call and stop its pod. Raises RuntimeError."""
    run_command("ip", "link", "set", "lo", "up")
    with ExitStack() as stack:
        images = {name: stack.enter_context(mounted_image(name)) for name in IMAGES}
        for name, image in images.items():
            check_content(name, image)
        directory = WORK_DIR / "node"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        node = Node(objects=render(ENVIRONMENTS / "local"), directory=directory, images=images)
        with running_cluster(node) as cluster:
            run_pods(cluster, images)


def run_pods(cluster: Cluster, images: Mapping[str, Image]) -> None:
    """Start the pods, wait for their probes, call them, and stop them. Raises RuntimeError."""
    for name, image in images.items():
        spec = cluster.workload(name)["spec"]["template"]["spec"]
        user, command = spec["securityContext"]["runAsUser"], spec["containers"][0]["command"]
        if (user, command) != (image.user, list(image.entry_point)):
            raise RuntimeError(f"{name}: the pod runs {command} as {user}, and its image another one")
    ready_s = cluster.run("sandbox") | cluster.run(*SERVICES)
    for name, (rpc, fields) in CALLS.items():
        cluster.call(name, rpc, fields)
        print(f"{name}: ready after {ready_s[name]} s, {rpc} succeeds", flush=True)
    for file in PAGE:
        url = f"http://{HOST}:{cluster.port('sandbox', 'http')}/{file}"
        with urllib.request.urlopen(url, timeout=TIMEOUT_S):
            pass
    ended = cluster.end(*SERVICES) | cluster.end("sandbox")
    if failed := [name for name, end in ended.items() if end["exit_code"]]:
        raise RuntimeError(f"{failed} did not exit with 0: see {cluster.node.directory}")
    print("every pod exited with 0 after SIGTERM")


def check_content(name: str, image: Image) -> None:
    """Raise RuntimeError if an image contains build tools or another service."""
    container = Container(
        command=["python", "-c", LIST_CONTENT, *BUILD_TOOLS],
        environment=image.environment,
        user=image.user,
        group=image.group,
        directory=image.directory,
        image=image.root,
    )
    with TemporaryDirectory() as directory, Path(directory, "log").open("w+b") as log:
        Path(directory, "root").mkdir()
        container.start(Path(directory, "root"), log).wait(TIMEOUT_S)
        log.seek(0)
        content = set(log.read().decode().split())
    other_services = {service.replace("-", "_") for service in IMAGES if service != name}
    if unwanted := content & {*BUILD_TOOLS, *other_services}:
        raise RuntimeError(f"the image of {name} contains {unwanted}")
    if name.replace("-", "_") not in content:
        raise RuntimeError(f"the image of {name} does not contain the service: {content}")
    print(f"{name}: its image contains no other service, and none of {', '.join(BUILD_TOOLS)}", flush=True)


if __name__ == "__main__":
    build_parser(
        "python -m tools.verify_images", __doc__, "unshare --net python -m tools.verify_images"
    ).parse_args()
    try:
        main()
    except (AssertionError, RuntimeError, subprocess.TimeoutExpired) as error:
        sys.exit(f"verify_images: {error}")
