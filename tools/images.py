"""Builds the image of every service with buildah, and verifies them: `make images`, as root.

BASE names an image to build on. Without it, a base image is made of Debian packages with debootstrap, so that
no image registry is needed. SSL_CERT_FILE, if set, names the certificates to trust when packages are
downloaded. Everything is written to build/images. `make dist` also writes the images to dist/images, an OCI
layout from which skopeo copies each to a registry.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.container import Image
from tools.commands import BuildError
from tools.local_stack import ROOT
from tools.release.version import current_version
from tools.sbom import write_image_sbom
from tools.usage import build_parser

WORK_DIR = ROOT / "build" / "images"
DEFAULT_BASE = "localhost/nationalsite-base"
DEBIAN_RELEASE = "bookworm"
UNUSED_DIRS = (
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt/archives",
    "var/lib/apt/lists",
)
"""Directories of Debian that a container does not need."""
PROGRAMS = ("buildah", "debootstrap")
IMAGES = ("product", "order-sync", "account", "sandbox")


def main() -> None:
    """Build, describe and verify the images. Raises RuntimeError."""
    if obstacles := list_obstacles():
        raise RuntimeError(f"make images needs more: {', '.join(obstacles)}")
    build_images(WORK_DIR)


def list_obstacles() -> list[str]:
    """Return why the images cannot be built on this machine."""
    missing = [f"{program} is not in PATH" for program in PROGRAMS if shutil.which(program) is None]
    # It mounts file systems and creates namespaces.
    return missing + ["the user is not root"] * (os.geteuid() != 0)


def build_images(sbom_dir: Path, layout: Path | None = None) -> None:
    """Build the images and their bills of materials, and verify them in a network namespace of their own.

    Writes them to an OCI layout, if there is a path for it. Raises RuntimeError or BuildError.
    """
    WORK_DIR.mkdir(parents=True, exist_ok=True)
    base = os.environ.get("BASE") or build_default_base()
    version = str(current_version(ROOT))
    for name in IMAGES:
        build_image(name, base)
        with mounted_image(name) as image:
            sbom = write_image_sbom(Path(image.root), f"nationalsite/{name}", version, sbom_dir)
        print(f"{sbom.relative_to(ROOT)}: its bill of materials", flush=True)
    verify = ["unshare", "--net", sys.executable, "-m", "tools.verify_images"]
    if subprocess.run(verify, cwd=ROOT, check=False).returncode:  # noqa: S603 # our own module
        raise RuntimeError("the images were built, but do not work")
    if layout is not None:
        for name in IMAGES:
            buildah("push", f"nationalsite/{name}", f"oci:{layout}:nationalsite/{name}:{version}")


def build_default_base() -> str:
    """Build a minimal Debian image; return its name."""
    started = time.monotonic()
    root = WORK_DIR / "base"
    shutil.rmtree(root, ignore_errors=True)
    run_command("debootstrap", "--variant=minbase", DEBIAN_RELEASE, str(root))
    remove_documents(root / "usr/share/doc")
    for path in (path for unused in UNUSED_DIRS for path in (root / unused).iterdir()):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, str(root), "/")
    buildah("commit", "--quiet", "--rm", container, DEFAULT_BASE)
    print_layers(DEFAULT_BASE, time.monotonic() - started)
    return DEFAULT_BASE


def remove_documents(directory: Path) -> None:
    """Remove the documents of Debian packages, except the licences: these have to be passed on."""
    for path in directory.rglob("*"):
        if path.name != "copyright" and not path.is_dir():
            path.unlink()


def build_image(name: str, base: str) -> None:
    """Build the image of a service."""
    started = time.monotonic()
    certificates = os.environ.get("SSL_CERT_FILE")
    arguments = [f"--build-arg=BASE={base}", f"--build-arg=SERVICE={name}", f"--tag=nationalsite/{name}"]
    arguments += [f"--secret=id=certificates,src={certificates}"] if certificates else []
    dockerfile = f"--file={ROOT / 'deploy' / 'Dockerfile'}"
    buildah("build", "--isolation=chroot", "--layers", dockerfile, *arguments, str(ROOT))
    print_layers(f"nationalsite/{name}", time.monotonic() - started)


def print_layers(image: str, duration_s: float) -> None:
    """Print the size of an image and of each layer."""
    description = json.loads(buildah("inspect", "--type=image", image))
    history = [entry for entry in description["OCIv1"]["history"] if not entry.get("empty_layer")]
    sizes_mib = [layer["size"] / 2**20 for layer in json.loads(description["Manifest"])["layers"]]
    print(f"{image}: {sum(sizes_mib):.0f} MiB, in {duration_s:.0f} s")
    for size_mib, entry in zip(sizes_mib, history, strict=True):
        print(f"  {size_mib:6.1f}  {entry.get('created_by', '')[:90]}", flush=True)


@contextmanager
def mounted_image(name: str) -> Iterator[Image]:
    """Yield the image of a service; its file system is mounted inside the context."""
    container = buildah("from", f"nationalsite/{name}")
    try:
        config = json.loads(buildah("inspect", container))["OCIv1"]["config"]
        user, group = map(int, config["User"].split(":"))
        yield Image(
            root=buildah("mount", container),
            entry_point=config["Entrypoint"],
            environment=dict(line.split("=", 1) for line in config["Env"]),
            directory=config["WorkingDir"],
            user=user,
            group=group,
        )
    finally:
        buildah("rm", container)


def buildah(*arguments: str) -> str:
    """Run buildah with its storage below WORK_DIR; return its output. Raises RuntimeError."""
    return run_command(
        "buildah",
        "--storage-driver=vfs",
        f"--root={WORK_DIR / 'storage'}",
        f"--runroot={WORK_DIR / 'run'}",
        *arguments,
    )


def run_command(*command: str) -> str:
    """Run a program; return its stdout. Its stderr goes to a log. Raises RuntimeError."""
    with (WORK_DIR / "log").open("ab") as log:
        finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True, check=False)  # noqa: S603 # our own arguments
    if finished.returncode:
        raise RuntimeError(f"{command[0]} failed: see {WORK_DIR / 'log'}")
    return finished.stdout.strip()


if __name__ == "__main__":
    build_parser(
        "python -m tools.images", __doc__, "make images", "make images BASE=debian:12.12-slim"
    ).parse_args()
    try:
        main()
    except (RuntimeError, BuildError) as error:
        sys.exit(str(error))
