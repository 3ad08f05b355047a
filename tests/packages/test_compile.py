"""The packages for Go, Java and TypeScript compile as their consumers get them: `make test-packages`."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tools.generation import descriptors, golang, typescript
from tools.generation.service_configs import SERVICES
from tools.generation.sources import FOR_CALLERS, GEN, ROOT
from tools.generation.toolchain import need

pytestmark = pytest.mark.packages

JAVA = ROOT / "clients" / "java"
CONSUMER = Path(__file__).with_name("consumer.ts")
TIMEOUT_S = 300


def run(*command: str | Path, folder: Path) -> str:
    """What a command prints; fails with all of it where the command does."""
    done = subprocess.run(  # noqa: S603 # the toolchains
        command,
        check=False,
        cwd=folder,
        timeout=TIMEOUT_S,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_go() -> None:
    go = need("go", "Go")
    packages = run(go, "list", "./...", folder=golang.FOLDER).split()
    made = {f"{golang.MODULE}/{Path(name).parent.relative_to('nationalsite')}" for name in FOR_CALLERS}
    assert made <= set(packages)
    run(go, "vet", "./...", folder=golang.FOLDER)
    run(go, "mod", "tidy", "-diff", folder=golang.FOLDER)


def test_java() -> None:
    need("java", "a JDK")
    module = ("-pl", ":nationalsite-protos", "-am")
    run(need("mvn", "Maven"), "--batch-mode", "--quiet", *module, "package", folder=JAVA)
    (jar,) = (JAVA / "protos" / "target").glob("nationalsite-protos-*.jar")
    names = set(zipfile.ZipFile(jar).namelist())
    stubs = {f"{full_name.replace('.', '/')}Grpc.class" for full_name in SERVICES.values()}
    configs = {f"nationalsite/service_configs/{name}.json" for name in SERVICES}
    assert stubs | configs <= names
    assert not any(name.startswith(descriptors.INTERNAL) for name in names)


def test_typescript(tmp_path: Path) -> None:
    packages = typescript.installed()
    package = tmp_path / "node_modules" / "@nationalsite" / "protos"
    package.mkdir(parents=True)
    npm, node = need("npm", "npm"), need("node", "Node.js")
    (packed,) = json.loads(run(npm, "pack", "--json", "--pack-destination", tmp_path, folder=GEN / "ts"))
    run("tar", "xzf", packed["filename"], "--strip-components=1", "-C", package, folder=tmp_path)
    for name in ("@bufbuild", "typescript", "@typescript"):
        (tmp_path / "node_modules" / name).symlink_to(packages / name)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(CONSUMER, tmp_path)
    run(
        packages / ".bin" / "tsc",
        *("--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"),
        *("--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", CONSUMER.name),
        folder=tmp_path,
    )
    said = json.loads(run(node, "consumer.js", folder=tmp_path))
    assert said == {
        "id": "9007199254740993",
        "currency": "CNY",
        "reason": "OFFER_NOT_FOUND",
        "details": ["google.rpc.Status", "google.rpc.ErrorInfo"],
        "services": list(SERVICES.values()),
        "kind": "bidi_streaming",
        "health": SERVICES["product"],
    }
