"""Builds an image of every service with buildah, and runs what is in them: `make images`, by hand and as root.

BASE names an image to build on. Without it one is made of Debian's packages, for where no registry of images
can be reached. SSL_CERT_FILE, where it is set, says whom packages may come from. All lies under build/image.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tools.local_stack import ROOT

WORK = ROOT / "build" / "image"
OWN_BASE = "localhost/nationalsite-base"
RELEASE = "bookworm"
NOT_READ = (
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt/archives",
    "var/lib/apt/lists",
)
"""What a Debian has that nobody reads in a container."""
IMAGES = ("product", "order-sync", "account", "sandbox")


def main() -> None:
    """Build, print what came of it, and run it in a network of its own."""
    if os.geteuid() != 0:
        raise RuntimeError("images are built and run here as container runtimes do it: as root")
    WORK.mkdir(parents=True, exist_ok=True)
    base = os.environ.get("BASE") or own_base()
    for name in IMAGES:
        build(name, base)
    proof = ["unshare", "--net", sys.executable, "-m", "tools.verify_images"]
    if subprocess.run(proof, cwd=ROOT, check=False).returncode:  # noqa: S603 # our own module
        raise RuntimeError("what was built does not run as it should")


def own_base() -> str:
    """Make a Debian with nothing but what every one has; return the image's name."""
    began = time.monotonic()
    system = WORK / "base"
    shutil.rmtree(system, ignore_errors=True)
    call("debootstrap", "--variant=minbase", RELEASE, str(system))
    for one in (one for place in NOT_READ for one in (system / place).iterdir()):
        shutil.rmtree(one) if one.is_dir() else one.unlink()
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, str(system), "/")
    buildah("commit", "--quiet", "--rm", container, OWN_BASE)
    tell(OWN_BASE, time.monotonic() - began)
    return OWN_BASE


def build(name: str, base: str) -> None:
    """Build the image of a service."""
    began = time.monotonic()
    authorities = os.environ.get("SSL_CERT_FILE")
    arguments = [f"--build-arg=BASE={base}", f"--build-arg=SERVICE={name}", f"--tag=nationalsite/{name}"]
    arguments += [f"--secret=id=certificates,src={authorities}"] if authorities else []
    dockerfile = f"--file={ROOT / 'deploy' / 'Dockerfile'}"
    buildah("build", "--isolation=chroot", "--layers", dockerfile, *arguments, str(ROOT))
    tell(f"nationalsite/{name}", time.monotonic() - began)


def tell(image: str, took_s: float) -> None:
    """Print the size of an image, and what each of its layers adds."""
    told = json.loads(buildah("inspect", "--type=image", image))
    made_by = [each.get("created_by", "") for each in told["OCIv1"]["history"] if not each.get("empty_layer")]
    sizes = [layer["size"] / 2**20 for layer in json.loads(told["Manifest"])["layers"]]
    print(f"{image}: {sum(sizes):.0f} MiB, in {took_s:.0f} s")
    for size, step in zip(sizes, made_by, strict=True):
        print(f"  {size:6.1f}  {step[:90]}", flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What an image says of itself, and where its file system lies."""

    root: str
    entry_point: Sequence[str]
    environment: Mapping[str, str]
    directory: str
    user: int
    group: int


@contextmanager
def image_of(name: str) -> Iterator[Image]:
    """Yield the image of a service, with its file system laid out while the context is open."""
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
    """Run buildah on a storage of our own; return what it prints."""
    return call(
        "buildah",
        "--storage-driver=vfs",
        f"--root={WORK / 'storage'}",
        f"--runroot={WORK / 'run'}",
        *arguments,
    )


def call(*command: str) -> str:
    """Run a program; return what it prints. What it says besides goes to a log. Raises RuntimeError."""
    with (WORK / "log").open("ab") as log:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True, check=False)  # noqa: S603 # ours
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: see {WORK / 'log'}")
    return done.stdout.strip()


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(str(error))
