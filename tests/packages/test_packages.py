"""What `make packages` builds: its content, and calls from empty projects that install it."""

import json
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.generation.service_configs import SERVICES
from tools.generation.sources import INTERNAL, ROOT
from tools.packages.build import BUILDERS, copy_sources, write_checksums
from tools.packages.verify import PROJECTS, running_product_service, verify
from tools.release.version import current_version

pytestmark = pytest.mark.packages

VERSION = current_version(ROOT)
QUICK = ("python", "go")
"""Builds that take less than a second."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Yield the address of a ProductService."""
    with running_product_service() as started:
        yield started


@pytest.mark.parametrize("language", PROJECTS)
def test_call_from_an_empty_project(language: str, dist: Path, address: str) -> None:
    verify(dist, language, address)


def test_sources_are_those_of_git(tmp_path: Path) -> None:
    copy_sources(tmp_path)
    assert (tmp_path / "clients" / "python" / "pyproject.toml").is_file()
    assert not {".git", ".venv", "build", "dist", "node_modules"} & {path.name for path in tmp_path.iterdir()}
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.parametrize("name", QUICK)
def test_same_sources_make_the_same_packages(name: str, dist: Path, tmp_path: Path) -> None:
    copy_sources(tmp_path / "sources")
    BUILDERS[name](tmp_path / "sources", tmp_path)
    files = [path.relative_to(dist) for path in (dist / name).rglob("*") if path.is_file()]
    assert files
    assert [file for file in files if (dist / file).read_bytes() != (tmp_path / file).read_bytes()] == []


def test_python(dist: Path) -> None:
    names = {f"nationalsite_client-{VERSION}.tar.gz", f"nationalsite_client-{VERSION}-py3-none-any.whl"}
    assert {path.name for path in (dist / "python").iterdir()} == names
    wheel, sdist = sorted(dist.glob("python/*"))
    assert f"nationalsite_client-{VERSION}.dist-info/licenses/LICENSE" in zipfile.ZipFile(wheel).namelist()
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "nationalsite/product/v1/py.typed"} <= in_sdist
    assert not any(name.startswith(INTERNAL) for name in in_sdist)


def test_maven(dist: Path) -> None:
    repository = dist / "maven" / "nationalsite"
    jars = {".jar", "-sources.jar", "-javadoc.jar"}
    suffixes = {"bom": set(), "parent": set(), "client": jars, "protos": jars}
    assert {path.name for path in repository.iterdir()} == {f"nationalsite-{name}" for name in suffixes}
    for name, of_artifact in suffixes.items():
        folder = repository / f"nationalsite-{name}" / str(VERSION)
        files = {path.name for path in folder.iterdir() if path.suffix not in {".md5", ".sha1"}}
        assert files == {f"nationalsite-{name}-{VERSION}{suffix}" for suffix in {".pom", *of_artifact}}
    for path in repository.rglob("*.jar"):
        times = {entry.date_time[:3] for entry in zipfile.ZipFile(path).infolist()}
        assert times == {(1980, 2, 1)}, path
    assert not list(repository.rglob("maven-metadata*"))


def test_java_stubs(dist: Path) -> None:
    (jar,) = dist.glob(f"maven/**/nationalsite-protos-{VERSION}.jar")
    names = set(zipfile.ZipFile(jar).namelist())
    stubs = {f"{full_name.replace('.', '/')}Grpc.class" for full_name in SERVICES.values()}
    configs = {f"nationalsite/service_configs/{name}.json" for name in SERVICES}
    assert stubs | configs <= names
    assert not any(name.startswith(INTERNAL) for name in names)


def test_typescript_client(dist: Path, tmp_path: Path) -> None:
    """Its maps lead to the sources, which are in the package."""
    with tarfile.open(dist / "npm" / f"nationalsite-client-{VERSION}.tgz") as archive:
        archive.extractall(tmp_path, filter="data")
    package = tmp_path / "package"
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


def test_checksums(dist: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(dist, tmp_path / "dist")
    write_checksums(copy)
    check = ("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
    subprocess.run(check, cwd=copy, check=True, timeout=60)  # noqa: S603 # our own arguments
    summed = (copy / "SHA256SUMS").read_text().splitlines()
    assert len(summed) == sum(path.is_file() for path in dist.rglob("*"))
