"""The packages for Go, Java and TypeScript compile as their consumers get them: `make test-packages`."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.generation import golang, typescript
from tools.generation.service_configs import SERVICES
from tools.generation.sources import CLIENT_PROTOS, ROOT
from tools.generation.toolchain import require_tool

pytestmark = pytest.mark.packages

CONSUMER = Path(__file__).with_name("consumer.ts")
CLIENT_CONSUMER = Path(__file__).with_name("client_consumer.ts")
STRICT = ("--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess")
TIMEOUT_S = 300


def run(*command: str | Path, cwd: Path) -> str:
    """Return a command's output. Fails with this output if the command does."""
    completed = subprocess.run(  # noqa: S603 # the toolchains
        command,
        check=False,
        cwd=cwd,
        timeout=TIMEOUT_S,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert completed.returncode == 0, completed.stdout
    return completed.stdout


def test_go() -> None:
    go = require_tool("go", "Go")
    packages = run(go, "list", "./...", cwd=golang.PACKAGE_DIR).split()
    generated = {f"{golang.MODULE}/{Path(name).parent.relative_to('nationalsite')}" for name in CLIENT_PROTOS}
    assert generated <= set(packages)
    run(go, "vet", "./...", cwd=golang.PACKAGE_DIR)
    run(go, "mod", "tidy", "-diff", cwd=golang.PACKAGE_DIR)


def install_npm_package(archive: Path, node_modules: Path) -> None:
    """Unpack a package as npm would install it."""
    package = node_modules / archive.name.replace("nationalsite-", "@nationalsite/").partition("-")[0]
    package.mkdir(parents=True)
    run("tar", "xzf", archive, "--strip-components=1", cwd=package)


def test_typescript(dist: Path, tmp_path: Path) -> None:
    node_modules = typescript.install_generator()
    (archive,) = dist.glob("npm/nationalsite-protos-*.tgz")
    install_npm_package(archive, tmp_path / "node_modules")
    node = require_tool("node", "Node.js")
    for name in ("@bufbuild", "typescript", "@typescript"):
        (tmp_path / "node_modules" / name).symlink_to(node_modules / name)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(CONSUMER, tmp_path)
    run(
        node_modules / ".bin" / "tsc",
        *STRICT,
        *("--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", CONSUMER.name),
        cwd=tmp_path,
    )
    printed = json.loads(run(node, "consumer.js", cwd=tmp_path))
    assert printed == {
        "id": "9007199254740993",
        "currency": "CNY",
        "reason": "OFFER_NOT_FOUND",
        "details": ["google.rpc.Status", "google.rpc.ErrorInfo"],
        "services": list(SERVICES.values()),
        "kind": "bidi_streaming",
        "health": SERVICES["product"],
    }


def test_typescript_client(dist: Path, tmp_path: Path) -> None:
    run(ROOT / "tools" / "install_node_modules.sh", cwd=ROOT)
    node_modules = tmp_path / "node_modules"
    for archive in (dist / "npm").iterdir():
        install_npm_package(archive, node_modules)
    for dependency in (ROOT / "node_modules").iterdir():
        if dependency.name != "@nationalsite":
            (node_modules / dependency.name).symlink_to(dependency)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(CLIENT_CONSUMER, tmp_path)
    tsc = (node_modules / ".bin" / "tsc", *STRICT, "--types", "node")
    run(*tsc, "--target", "es2022", "--module", "nodenext", CLIENT_CONSUMER.name, cwd=tmp_path)
    assert run(require_tool("node", "Node.js"), "client_consumer.js", cwd=tmp_path) == "41.10 undefined\n"
