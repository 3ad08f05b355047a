"""`make release-fixtures`: keeps the stores and the calls of a release, for the tests of later ones.

It runs on the release commit, after `make release`, and writes tests/compatibility/releases/VERSION. It never
changes what is there. releases/README.md explains the files.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from tests.compatibility.released_calls import write_calls
from tests.compatibility.released_stores import POSTGRESQL, RELEASES, SQLITE, Databases, make_stores
from tests.support.postgres import postgres_server
from tools import local_stack
from tools.local_stack import ROOT
from tools.release.history import list_releases, run_git
from tools.release.version import Version, current_version
from tools.usage import build_parser


def main(arguments: list[str]) -> int:
    """Keep the release of the last commit; return the exit code."""
    parser = build_parser(
        "python -m tests.compatibility.keep_release",
        __doc__,
        "make release-fixtures",
        "make release-fixtures FOLDER=build/fixtures",
    )
    parser.add_argument("--folder", type=Path, help="write there, also between releases: to try it")
    options = parser.parse_args(arguments)
    version = current_version(ROOT)
    folder = options.folder or RELEASES / str(version)
    unmet = [f"{folder} exists"] if folder.exists() else []
    if not options.folder:
        unmet += _check_commit(version)
    for line in unmet:
        print(f"release-fixtures: {line}", file=sys.stderr)
    if unmet:
        return 1
    local_stack.claim_log_dir("release-fixtures")
    for engine in (SQLITE, POSTGRESQL):
        with (
            tempfile.TemporaryDirectory() as databases,
            postgres_server() if engine == POSTGRESQL else nullcontext() as server,
        ):
            urls = Databases(engine, Path(databases), server).create()
            make_stores(urls).write(folder / engine)
    write_calls(folder)
    print(f"release-fixtures: wrote {folder}; review and commit it")
    return 0


def _check_commit(version: Version) -> Iterator[str]:
    """Yield why the tree is not that of a release."""
    if list_releases(ROOT).get(version) != run_git(ROOT, "rev-parse", "HEAD"):
        yield f"the last commit is not the release {version}: check it out"
    if run_git(ROOT, "status", "--porcelain"):
        yield "there are changes that are not committed"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
