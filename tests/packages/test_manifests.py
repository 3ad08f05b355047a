"""The manifests of the generated packages, and generation without a language's toolchain."""

import json
import os
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tools.generation import __main__ as command
from tools.generation import golang, toolchain, typescript
from tools.generation.sources import CLIENT_PROTOS, GEN_DIR, ROOT

POM = (ROOT / "clients" / "java" / "pom.xml").read_text()
NPM = json.loads((GEN_DIR / "ts" / "package.json").read_text())
LANGUAGES = {"gen/go": golang, "gen/ts": typescript}


def test_packages_have_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert NPM["version"] == version
    assert json.loads((ROOT / "clients" / "ts" / "package.json").read_text())["version"] == version
    assert re.findall(r"</artifactId>\s*<version>(.*?)</version>", POM)[0] == version


def test_typescript_exports_every_client_proto() -> None:
    exported = set(NPM["exports"].values())
    assert all((GEN_DIR / "ts" / path).is_file() for path in exported)
    for name in map(Path, CLIENT_PROTOS):
        assert f"./{name.parent}/index.js" in exported
        for index in ("index.js", "index.d.ts"):
            assert f'"./{name.stem}_pb.js"' in (GEN_DIR / "ts" / name.parent / index).read_text()


def test_typescript_runtime_is_at_least_the_generator_version() -> None:
    assert (
        NPM["dependencies"]["@bufbuild/protobuf"] == f"^{NPM['devDependencies']['@bufbuild/protoc-gen-es']}"
    )


def test_lock_files_name_no_registry() -> None:
    for directory in (GEN_DIR / "ts", ROOT):
        packages = json.loads((directory / "package-lock.json").read_text())["packages"]
        with_address = [
            path for path, package in packages.items() if "resolved" in package and "link" not in package
        ]
        assert len(packages) > 1
        assert not with_address


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize(("arguments", "code"), [((), 0), (("--all",), 1)], ids=["gen", "check-gen"])
def test_output_without_toolchain_is_kept_and_named(
    name: str,
    arguments: tuple[str, ...],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    output: ModuleType = LANGUAGES[name]
    monkeypatch.setattr(command, "OUTPUTS", {name: output})
    monkeypatch.setattr(toolchain, "TOOLS_DIR", tmp_path)
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    before = sorted(path.stat().st_mtime_ns for path in output.PACKAGE_DIR.rglob("*"))
    assert command.main(list(arguments)) == code
    assert f"{name} was NOT generated" in capfd.readouterr().err
    assert sorted(path.stat().st_mtime_ns for path in output.PACKAGE_DIR.rglob("*")) == before


def test_installer_output_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho no such host\nexit 1\n")
    go.chmod(0o755)
    monkeypatch.setattr(command, "OUTPUTS", {"gen/go": golang})
    monkeypatch.setattr(toolchain, "TOOLS_DIR", tmp_path / "tools")
    monkeypatch.setitem(os.environ, "PATH", f"{tmp_path}:/bin:/usr/bin")
    assert command.main(["--all"]) == 1
    assert "no such host" in capfd.readouterr().err
