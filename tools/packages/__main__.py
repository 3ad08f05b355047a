"""Builds what package registries take, with bills of materials and checksums, and verifies it.

dist/ is replaced. In it are: python (wheel and sdist), npm (tarballs), maven (a repository with
sources, Javadoc and a BOM), go (a module proxy), sbom (CycloneDX) and SHA256SUMS. Then an empty project in
each language installs its package from dist/, checks its types, and searches offers in a sandbox. With
--images, dist/ also has images (an OCI layout) and their bills of materials, and each image runs as its pod
does; the last lines say so if this machine cannot build images. Nothing is published. The exit code is 1 if a
package cannot be built or does not work, and 2 if a precondition is not met.
"""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tools import images, local_stack
from tools.commands import BuildError
from tools.generation.sources import ROOT
from tools.packages.build import BUILDERS, copy_sources, write_checksums
from tools.packages.preconditions import UnmetPrecondition, check_preconditions, describe_version
from tools.packages.verify import PROJECTS, running_product_service, verify
from tools.sbom import PACKAGES, write_package_sbom
from tools.usage import build_parser

DIST = ROOT / "dist"


def main() -> None:
    """Build and verify. Raises UnmetPrecondition or BuildError."""
    parser = build_parser(
        "python -m tools.packages", __doc__, "make packages", "make dist", "make packages ALLOW_DIRTY=1"
    )
    parser.add_argument(
        "--allow-dirty", action="store_true", help="build although there are changes that are not committed"
    )
    parser.add_argument("--images", action="store_true", help="build the images, too (as root; minutes)")
    options = parser.parse_args()
    check_preconditions(ROOT, allow_dirty=options.allow_dirty)
    shutil.rmtree(DIST, ignore_errors=True)
    with TemporaryDirectory() as sources:
        copy_sources(Path(sources))
        for name, build in BUILDERS.items():
            build(Path(sources), DIST)
            print(f"packages: built dist/{name}", flush=True)
    sbom_dir = DIST / "sbom"
    sbom_dir.mkdir()
    for name in PACKAGES:
        if name != "services":  # images have them
            write_package_sbom(name, sbom_dir)
    print("packages: built dist/sbom", flush=True)
    obstacles = images.list_obstacles()
    if options.images and not obstacles:
        images.build_images(sbom_dir, DIST / "images")
        print("packages: built dist/images", flush=True)
    write_checksums(DIST)
    local_stack.claim_log_dir("packages")
    with running_product_service() as address:
        for language in PROJECTS:
            verify(DIST, language, address)
            print(f"packages: called ProductService from an empty project in {language}", flush=True)
    if options.images and obstacles:
        print(f"packages: dist/ has no images: {', '.join(obstacles)}")
    print(f"packages: {describe_version(ROOT)}")


if __name__ == "__main__":
    try:
        main()
    except UnmetPrecondition as error:
        for line in error.args:
            print(f"packages: {line}", file=sys.stderr)
        sys.exit(2)
    except (BuildError, RuntimeError) as error:
        sys.exit(f"packages: {error}")
