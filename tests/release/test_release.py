"""`make release` in a clone of this repository, with fake checks that record their calls."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tools.release import breaking, changelog, interface, protos
from tools.release.history import list_releases
from tools.release.version import InvalidVersion, Version, bump_version, current_version

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
CHECKS = """\
.PHONY: lint check-gen test
lint check-gen test:
	@test "$$FAIL" != $@
	@echo $@ >> $(CURDIR)/.git/ran
"""
LOG = """\
# Changes

## Unreleased

- Searches return the warehouse.

## 0.0.9 - 2026-01-01

- First release.
"""
PACKAGE = (
    '{\n  "name": "@nationalsite/protos",\n  "version": "0.1.0",\n  "dependencies": {"other": "0.1.0"}\n}\n'
)
POM = """\
<artifactId>nationalsite-protos</artifactId>
<version>0.1.0</version>
<artifactId>other</artifactId>
<version>0.1.0</version>
"""


def _git(root: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    finished = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)  # noqa: S603 # git
    return finished.stdout.strip()


class Clone:
    """A clone of the last commit without its history, at version 0.1.0 and never released."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        self.git("clone", "--quiet", "--depth=1", "--no-tags", ROOT.as_uri(), ".")
        self.git("checkout", "--quiet", "--orphan", "start")
        self.git("config", "user.name", "Tester")
        self.git("config", "user.email", "tester@example.com")
        self.write(".git/info/exclude", "GNUmakefile\n")
        self.write("GNUmakefile", CHECKS)  # make prefers it to Makefile
        self.write("CHANGELOG.md", LOG)
        self.write("deploy/Dockerfile", f"ARG BASE=debian:12-slim@sha256:{'0a' * 32}\nFROM ${{BASE}}\n")
        self.write("gen/ts/package.json", PACKAGE)
        self.write("clients/java/protos/pom.xml", POM)
        tracked = self.git("ls-files").splitlines()
        for name, text in bump_version(self.path, tracked, Version.parse("0.1.0")):
            self.write(name, text)
        self.commit()
        self.git("branch", "--move", "--force", "main")

    def file(self, name: str) -> Path:
        return self.path / name

    def write(self, name: str, text: str) -> None:
        self.file(name).parent.mkdir(parents=True, exist_ok=True)
        self.file(name).write_text(text)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Change something")

    def git(self, *arguments: str) -> str:
        return _git(self.path, *arguments)

    def release(self, *arguments: str, fail: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 # our own tool
            [sys.executable, "-m", "tools.release", *arguments],
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "FAIL": fail},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def executed_checks(self) -> list[str]:
        path = self.file(".git/ran")
        return path.read_text().split() if path.exists() else []

    def state(self) -> tuple[str, str, str]:
        """Return what a failed release must not change: commit, tags, working tree."""
        return self.git("rev-parse", "HEAD"), self.git("tag"), self.git("status", "--porcelain")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    clone = Clone(tmp_path_factory.mktemp("original"))
    clone.create()
    return clone


@pytest.fixture
def clone(original: Clone, tmp_path: Path) -> Clone:
    shutil.copytree(original.path, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Clone(tmp_path)


def test_release_is_checked_committed_and_tagged(clone: Clone) -> None:
    finished = clone.release("0.2.0")
    assert finished.returncode == 0, finished.stderr
    assert clone.executed_checks() == ["lint", "check-gen", "test"]
    assert clone.git("status", "--porcelain") == ""
    assert clone.git("log", "-1", "--format=%s") == "Release 0.2.0"
    assert clone.git("rev-parse", "v0.2.0^{commit}") == clone.git("rev-parse", "HEAD")
    assert clone.git("cat-file", "-t", "v0.2.0") == "tag"
    assert tomllib.loads(clone.file("pyproject.toml").read_text())["project"]["version"] == "0.2.0"
    assert clone.file("gen/ts/package.json").read_text() == PACKAGE.replace("0.1.0", "0.2.0", 1)
    assert clone.file("clients/java/protos/pom.xml").read_text() == POM.replace("0.1.0", "0.2.0", 1)
    assert list_releases(clone.path) == {Version.parse("0.2.0"): clone.git("rev-parse", "HEAD")}
    assert "git push origin main v0.2.0" in finished.stdout


def test_change_log_gets_a_section(clone: Clone) -> None:
    assert clone.release("0.2.0").returncode == 0
    day = clone.git("log", "-1", "--format=%ad", "--date=format-local:%Y-%m-%d")
    assert clone.file("CHANGELOG.md").read_text() == LOG.replace(
        "## Unreleased\n", f"## Unreleased\n\n## 0.2.0 - {day}\n"
    )


def test_baseline_is_the_protos_without_comments(clone: Clone) -> None:
    assert clone.release("0.2.0").returncode == 0
    baseline = FileDescriptorSet.FromString(clone.file(protos.BASELINE_FILE).read_bytes())
    image = FileDescriptorSet.FromString((ROOT / "gen/descriptors/nationalsite.binpb").read_bytes())
    for file in image.file:
        file.ClearField("source_code_info")
    assert protos.OPTION_MODULES  # messages compare equal only if the modules of their options are loaded
    assert baseline == image


def test_first_release_may_have_the_current_version(clone: Clone) -> None:
    assert clone.release("0.1.0").returncode == 0
    assert clone.git("tag") == "v0.1.0"
    again = clone.release("0.1.0")
    assert again.returncode == 1
    assert "0.1.0 is not above 0.1.0, the last release" in again.stderr


def test_dry_run_changes_nothing(clone: Clone) -> None:
    before = clone.state()
    finished = clone.release("0.2.0", "--dry-run")
    assert finished.returncode == 0, finished.stderr
    assert clone.state() == before
    assert clone.executed_checks() == ["lint", "check-gen", "test"]
    named = {line.rsplit(" ", 1)[-1] for line in finished.stdout.splitlines() if "would change" in line}
    assert named >= {
        "pyproject.toml",
        "CHANGELOG.md",
        "protos/baseline.binpb",
        "tools/release/interface.txt",
        "gen/ts/package.json",
        "clients/java/protos/pom.xml",
    }


@pytest.mark.parametrize("check", ["lint", "check-gen", "test"])
def test_failed_check_stops_the_release(clone: Clone, check: str) -> None:
    before = clone.state()
    finished = clone.release("0.2.0", fail=check)
    assert finished.returncode == 1
    assert f"make {check} failed" in finished.stderr
    assert clone.state() == before


def test_all_unmet_preconditions_are_named_at_once(clone: Clone) -> None:
    clone.git("switch", "--quiet", "--create", "topic")
    clone.write("CHANGELOG.md", LOG.replace("- Searches return the warehouse.\n", ""))
    finished = clone.release("0.0.9")
    assert finished.returncode == 1
    assert clone.executed_checks() == []
    assert [line.removeprefix("release: ") for line in finished.stderr.splitlines()][:3] == [
        "a release is made on main, and this is topic",
        "there are changes that are not committed",
        "0.0.9 is below 0.1.0, which pyproject.toml names",
    ]
    assert "CHANGELOG.md has no entry under '## Unreleased'" in finished.stderr


@pytest.mark.parametrize(
    "base",
    [
        "debian:12.12-slim",
        "debian",
        "debian@sha256:0a",
        f"debian@md5:{'0a' * 32}",
        f"@sha256:{'0a' * 32}",
        "",
    ],
)
def test_base_image_without_a_digest_stops_the_release(clone: Clone, base: str) -> None:
    clone.write("deploy/Dockerfile", f"ARG BASE={base}\nFROM ${{BASE}}\n")
    clone.commit()
    before = clone.state()
    finished = clone.release("0.2.0")
    assert finished.returncode == 1
    assert f"deploy/Dockerfile builds on {base}, without a digest" in finished.stderr
    assert clone.state() == before


@pytest.mark.parametrize("obstacle", [".git/hooks/pre-commit", ".git/refs/tags/v0.2.0.lock"])
def test_release_that_cannot_be_committed_or_tagged_changes_nothing(clone: Clone, obstacle: str) -> None:
    before = clone.state()
    clone.write(obstacle, "#!/bin/sh\nexit 1\n")
    clone.file(obstacle).chmod(0o755)
    finished = clone.release("0.2.0")
    clone.file(obstacle).unlink()
    assert finished.returncode == 1
    assert "nothing has changed" in finished.stderr
    assert clone.state() == before
    assert clone.release("0.2.0").returncode == 0


def test_without_tags_the_subject_of_the_commit_names_the_last_release(clone: Clone) -> None:
    assert clone.release("0.2.0").returncode == 0
    release = clone.git("rev-parse", "HEAD")
    clone.git("tag", "--delete", "v0.2.0")
    clone.write("CHANGELOG.md", LOG)
    clone.commit()
    assert list_releases(clone.path) == {Version.parse("0.2.0"): release}
    again = clone.release("0.2.0")
    assert again.returncode == 1
    assert "0.2.0 is not above 0.2.0, the last release" in again.stderr


def test_patch_release_cannot_change_the_protos(clone: Clone) -> None:
    assert clone.release("0.2.0").returncode == 0
    clone.write("CHANGELOG.md", LOG)
    image = clone.file("gen/descriptors/nationalsite.binpb")
    files = FileDescriptorSet.FromString(image.read_bytes())
    ours = next(file for file in files.file if file.name.startswith("nationalsite/product/"))
    ours.source_code_info.location[0].leading_comments = "A comment is not a change."
    image.write_bytes(files.SerializeToString())
    clone.commit()
    assert clone.release("0.2.1", "--dry-run").returncode == 0
    ours.message_type.add(name="News")
    image.write_bytes(files.SerializeToString())
    clone.commit()
    failed = clone.release("0.2.1", "--dry-run")
    assert failed.returncode == 1
    assert "0.2.1 cannot be a patch" in failed.stderr
    assert clone.release("0.3.0", "--dry-run").returncode == 0


def test_version_says_whether_something_is_gone_that_operators_use(clone: Clone) -> None:
    assert clone.release("1.0.0").returncode == 0
    alerts = clone.file("deploy/observability/alerts.yaml").read_text()
    clone.write("deploy/observability/alerts.yaml", alerts.replace("- alert: Nationalsite", "- alert: Shop"))
    clone.write("CHANGELOG.md", LOG)
    clone.commit()
    patch, minor = clone.release("1.0.1", "--dry-run"), clone.release("1.1.0", "--dry-run")
    assert patch.returncode == minor.returncode == 1
    assert "1.0.1 cannot be a patch of the last release" in patch.stderr
    assert "alert NationalsiteCallsShed ticket: this is gone, so the next version is 2.0.0" in minor.stderr
    assert clone.release("2.0.0", "--dry-run").returncode == 0


def test_baseline_has_what_buf_does_not_compare(clone: Clone) -> None:
    assert clone.release("0.2.0").returncode == 0
    assert clone.file(breaking.BASELINE_FILE).read_text().splitlines() == interface.list_interface(ROOT)


@pytest.mark.parametrize("text", ["1.2", "v1.2.3", "01.2.3", "1.2.3-rc1", "1.2.3\n", ""])
def test_version_is_three_numbers(text: str) -> None:
    with pytest.raises(InvalidVersion):
        Version.parse(text)


def test_versions_are_ordered_by_number() -> None:
    assert Version.parse("0.10.0") > Version.parse("0.9.9")


def test_files_of_this_repository_agree() -> None:
    tracked = _git(ROOT, "ls-files").splitlines()
    assert list(bump_version(ROOT, tracked, current_version(ROOT))) == []


def test_no_file_keeps_the_version_of_the_last_release() -> None:
    tracked = [path for path in _git(ROOT, "ls-files").splitlines() if (ROOT / path).is_file()]
    bumped = dict(bump_version(ROOT, tracked, Version.parse("99.0.0")))
    assert {"pyproject.toml", "package-lock.json", "deploy/Dockerfile", "docs/kubernetes.md"} <= bumped.keys()
    version = re.escape(str(current_version(ROOT)))
    stale = re.compile(rf"^.*nationalsite.*(?<![\d.]){version}(?![\d.]).*$", re.M)
    for path in tracked:
        if not path.startswith(("CHANGELOG.md", "docs/adr/", "docs/benchmarks/", "tests/release/")):
            text = bumped.get(path) or (ROOT / path).read_text(encoding="utf-8", errors="replace")
            assert stale.findall(text) == [], path


def test_change_log_of_this_repository_can_be_kept() -> None:
    text = (ROOT / changelog.CHANGELOG_FILE).read_text()
    assert text.count("\n## Unreleased\n") == 1
    with_entry = text.replace("\n## Unreleased\n", "\n## Unreleased\n\n- News.\n")
    assert "\n## 99.0.0 - 2026-11-25\n\n- News.\n" in changelog.add_release(
        with_entry, "99.0.0", "2026-11-25"
    )
