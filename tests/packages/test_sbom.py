"""Each bill of materials is valid CycloneDX, and names the package and what it needs."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.commands import BuildError
from tools.release.version import current_version
from tools.sbom import PACKAGES, ROOT, write_image_sbom, write_package_sbom, write_valid

pytestmark = pytest.mark.packages

EXPECTED = {
    "services": ("nationalsite", {"grpcio", "aiohttp", "psycopg-binary", "protovalidate"}),
    "client-python": ("nationalsite-client", {"grpcio", "protobuf"}),
    "client-typescript": ("@nationalsite/client", {"@grpc/grpc-js", "@bufbuild/protovalidate"}),
    "protos-typescript": ("@nationalsite/protos", {"@bufbuild/protobuf"}),
    "client-java": ("nationalsite-parent", {"grpc-stub", "nationalsite-protos", "nationalsite-client"}),
    "client-go": ("nationalsite.internal/client", {"google.golang.org/grpc", "nationalsite.internal/go"}),
    "protos-go": ("nationalsite.internal/go", {"google.golang.org/protobuf"}),
}
"""Package -> its name, and some of its components."""
DPKG = """\
Package: python3.11
Status: install ok installed
Maintainer: A Person <not an address>
Architecture: amd64
Source: python3.11
Version: 3.11.2-6+deb12u6
Description: the interpreter

"""


def components(path: Path) -> dict[str, dict[str, Any]]:
    return {
        "/".join(filter(None, (item.get("group"), item["name"]))): item for item in read(path)["components"]
    }


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PACKAGES)
def test_package(name: str, tmp_path: Path) -> None:
    path = write_package_sbom(name, tmp_path)
    own_name, some = EXPECTED[name]
    assert read(path)["metadata"]["component"]["name"] == own_name
    names = {part for full in components(path) for part in (full, full.rpartition("/")[2])}
    assert some <= names
    assert not {"typescript", "pytest"} & names, "nobody installs what only our tests need"


def test_services_have_the_pinned_versions(tmp_path: Path) -> None:
    named = components(write_package_sbom("services", tmp_path))
    assert f"grpcio=={named['grpcio']['version']} " in (ROOT / "requirements.txt").read_text()


def test_image(tmp_path: Path) -> None:
    """The image's own packages are named, and not those of the interpreter that runs the tool."""
    root, installed = tmp_path / "root", Path(sys.prefix, "lib/python3.11/site-packages")
    site_packages = root / "opt/nationalsite/lib/python3.11/site-packages"
    site_packages.mkdir(parents=True)
    (found,) = installed.glob("grpcio-1*.dist-info")
    (site_packages / found.name).symlink_to(found)
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(DPKG)
    (root / "var/lib/dpkg/arch-native").write_text("amd64\n")
    version = str(current_version(ROOT))
    path = write_image_sbom(root, "nationalsite/product", version, tmp_path)
    described = read(path)["metadata"]["component"]
    assert (described["name"], described["version"]) == ("nationalsite/product", version)
    assert described["type"] == "container"
    named = components(path)
    assert "debian/python3.11" in named
    assert [name for name, item in named.items() if item.get("purl", "").startswith("pkg:pypi/")] == [
        "grpcio"
    ]


def test_an_invalid_one_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "invalid.cdx.json"
    with pytest.raises(BuildError, match="not valid CycloneDX"):
        write_valid(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": "one"}), path)
    assert not path.exists()
