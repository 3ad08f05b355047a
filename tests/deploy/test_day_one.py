"""docs/guides/day-one.md, followed to the letter against the sandbox, in a network of its own."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from services.adapter.codec import Dialect
from tests.deploy.kustomize import ROOT
from tests.support.compiled_operations import compile_once
from tests.support.sample_cases import REPLAY, SERVICES
from tests.support.shell_blocks import read_blocks

PAGE = (ROOT / "docs" / "guides" / "day-one.md").read_text(encoding="utf-8")
TIMEOUT_S = 500
EXPECTED_LINES = (
    r"refresh token written to .*",
    "product is ready",
    "account is ready",
    "order_sync is ready",
    r"preview \d+(\.\d+)? \w+ .*",
    r"created \d+ \d+(\.\d+)?",
    r"pay at https://.*",
    r"nationalsite_messages_received_total\{.*outcome=.stored.*",
    r"nationalsite_refresh_token_days_left 1\d\d\..*",
)


def section(number: int) -> str:
    """Return a section of the page."""
    _, _, rest = PAGE.partition(f"\n## {number}. ")
    return rest.partition("\n## ")[0]


def test_the_page_names_every_api() -> None:
    """Except the one that takes messages, which the service never calls."""
    needed = {
        (operation.api_id, dialect)
        for dialect in (Dialect.OPEN_PLATFORM, Dialect.NATIONAL_SITE)
        for service in (*SERVICES.values(), REPLAY)
        for rpc, operation in compile_once(service, dialect).items()
        if operation.api_id and rpc != "TakeMessages"
    }
    named = set()
    for row in re.findall(r"^\| .*, `([\w.]+)` \| (.*) \|$", section(1), re.MULTILINE):
        namespace, cell = row
        for name in re.findall(r"`([\w.]+)`", cell):
            named.add(f"{namespace}:{name}-1")
    assert named == {api_id for api_id, _ in needed}
    only_national_site = named - {api_id for api_id, dialect in needed if dialect is Dialect.OPEN_PLATFORM}
    assert len(only_national_site) == section(1).count("national-site only") + 1  # one note is for two APIs


def test_the_page_names_every_topic() -> None:
    upstream = (ROOT / "docs" / "upstream" / "messages.md").read_text(encoding="utf-8")
    topics = re.findall(r"^\| \d+ \| `(\w+)` \|", upstream, re.MULTILINE)
    assert len(topics) == 16
    assert sorted(re.findall(r"`((?:ORDER|LOGISTICS)_\w+)`", section(2))) == sorted(topics)


@pytest.mark.deploy
@pytest.mark.parametrize("dialect", ["open-platform", "national-site"])
def test_every_command_works_with_the_sandbox(tmp_path: Path, dialect: str) -> None:
    assert os.geteuid() == 0, "this test needs a network namespace: run it as root"
    setting = "export NATIONALSITE_DIALECT="
    blocks = [block for block in read_blocks(PAGE) if block.language == "sh"]
    commands = "".join(block.commands for block in blocks if not block.not_run)
    assert commands.count(f"{setting}open-platform\n") == 1
    commands = commands.replace(f"{setting}open-platform\n", f"{setting}{dialect}\n")
    script = f"set -euo pipefail; ip link set lo up; set -x\n{commands}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NATIONALSITE_")}
    output = tmp_path / "output"
    with output.open("wb") as file:
        exit_code = subprocess.run(  # noqa: S603 # the commands of our own page
            ["unshare", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", script],  # noqa: S607 # util-linux
            cwd=ROOT,
            env=environment | {"HOME": str(tmp_path)},
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    printed = output.read_text()
    assert exit_code == 0, printed[-4000:]
    assert printed.count("\nall checks passed\n") == 5
    for line in EXPECTED_LINES:
        assert re.search(f"^{line}$", printed, re.MULTILINE), line
    assert len(re.findall(r"^ORDER_BUYER_VIEW_ORDER_PAY \d+ \w+$", printed, re.MULTILINE)) >= 2
