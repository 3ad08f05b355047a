"""The packages for Go, Java and TypeScript compile as their consumers get them: `make test-packages`."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from tools.generation import golang, typescript
from tools.generation.service_configs import SERVICES
from tools.generation.sources import CLIENT_PROTOS, GEN_DIR, INTERNAL, ROOT
from tools.generation.toolchain import require_tool
from tools.release.version import current_version

pytestmark = pytest.mark.packages

JAVA = ROOT / "clients" / "java"
JAVA_CONSUMER = Path(__file__).parent / "java" / "pom.xml"
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


def test_java(tmp_path: Path) -> None:
    """Install the artifacts as clients/java/README.md says, and compile an example in an empty folder."""
    require_tool("java", "a JDK")
    mvn = (require_tool("mvn", "Maven"), "--batch-mode", "--quiet")
    built = run(*mvn, "-DskipTests", "install", cwd=JAVA)
    assert "warning" not in built.lower(), built
    version = current_version(ROOT)
    for module in ("protos", "client"):
        for kind in ("sources", "javadoc"):
            assert (JAVA / module / "target" / f"nationalsite-{module}-{version}-{kind}.jar").is_file()
    names = set(zipfile.ZipFile(JAVA / "protos" / "target" / f"nationalsite-protos-{version}.jar").namelist())
    shutil.copy(JAVA_CONSUMER, tmp_path)
    shutil.copytree(ROOT / "examples" / "java" / "src", tmp_path / "src")
    run(*mvn, "compile", cwd=tmp_path)
    stubs = {f"{full_name.replace('.', '/')}Grpc.class" for full_name in SERVICES.values()}
    configs = {f"nationalsite/service_configs/{name}.json" for name in SERVICES}
    assert stubs | configs <= names
    assert not any(name.startswith(INTERNAL) for name in names)


def install_npm_package(source: Path, node_modules: Path) -> Path:
    """Pack a package, unpack it as npm would install it, and return its folder."""
    package = node_modules / json.loads((source / "package.json").read_text())["name"]
    package.mkdir(parents=True)
    run(require_tool("npm", "npm"), "pack", "--pack-destination", package, cwd=source)
    (archive,) = package.iterdir()
    run("tar", "xzf", archive, "--strip-components=1", cwd=package)
    archive.unlink()
    return package


def test_typescript(tmp_path: Path) -> None:
    node_modules = typescript.install_generator()
    install_npm_package(GEN_DIR / "ts", tmp_path / "node_modules")
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


def test_typescript_client(tmp_path: Path) -> None:
    run(ROOT / "tools" / "install_node_modules.sh", cwd=ROOT)
    node_modules = tmp_path / "node_modules"
    package = install_npm_package(ROOT / "clients" / "ts", node_modules)
    install_npm_package(GEN_DIR / "ts", node_modules)
    for dependency in (ROOT / "node_modules").iterdir():
        if dependency.name != "@nationalsite":
            (node_modules / dependency.name).symlink_to(dependency)
    names = {path.name for path in package.iterdir()}
    assert names == {"LICENSE", "README.md", "package.json", "dist", "src"}
    modules = {path.stem for path in (package / "src").iterdir()}
    for suffix in (".js", ".js.map", ".d.ts", ".d.ts.map"):
        assert {path.name for path in (package / "dist" / "src").glob(f"*{suffix}")} == {
            f"{module}{suffix}" for module in modules
        }
    for path in (package / "dist" / "src").glob("*.map"):
        (source,) = json.loads(path.read_text())["sources"]
        assert (path.parent / source).is_file()
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(CLIENT_CONSUMER, tmp_path)
    tsc = (node_modules / ".bin" / "tsc", *STRICT, "--types", "node")
    run(*tsc, "--target", "es2022", "--module", "nodenext", CLIENT_CONSUMER.name, cwd=tmp_path)
    assert run(require_tool("node", "Node.js"), "client_consumer.js", cwd=tmp_path) == "41.10 undefined\n"
