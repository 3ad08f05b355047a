"""Every command in the documents works when it is pasted, or the document says why no test runs it.

tests/support/shell_blocks.py explains the comments in the documents. The blocks of a page run in their order
in a copy of the checkout, beside the processes that the page starts, with the settings of a service. Ports
are replaced by free ones. tests/deploy/test_day_one.py runs docs/guides/day-one.md.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.readme.test_links import PAGES
from tests.support.ports import reserve_successive_ports
from tests.support.shell_blocks import Block, read_blocks
from tools.local_stack import PORTS, ROOT, SANDBOX_APP

DAY_ONE = ROOT / "docs" / "guides" / "day-one.md"
LANGUAGES = set(
    "go java json mermaid promql proto python sh text toml typescript xml yaml".split()  # noqa: SIM905 # shorter
)
"""Of blocks. Commands are `sh`, so that they are found here."""
TIMEOUT_S = 600
STOP_TIMEOUT_S = 30


def commands(page: Path) -> list[Block]:
    """Return the blocks of a page that a test runs."""
    blocks = read_blocks(page.read_text(encoding="utf-8"))
    return [block for block in blocks if block.language == "sh" and not block.not_run]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_have_a_language_and_comments_belong_to_commands(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = list(read_blocks(text))
    assert {block.language for block in blocks} <= LANGUAGES
    marked = [block for block in blocks if block.run_until or block.exit_code or block.not_run]
    assert {block.language for block in marked} <= {"sh"}
    comments = re.findall(r"^ *<!-- (?:not run|run|exit)\b", text, re.MULTILINE)
    assert len(comments) == len(marked), "a comment has another form, or no block below it"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_within_sentences_exist(page: Path) -> None:
    """Of the Makefile, and modules of this project."""
    text = page.read_text(encoding="utf-8")
    targets = {
        word for words in re.findall(r"`make ([a-z -]+)[^`]*`", text) for word in words.split() if word != "-"
    }
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    modules = {
        name.replace(".", "/") for name in re.findall(r"python -m ((?:services|tools|tests)[\w.]*)", text)
    }
    assert [name for name in modules if not ((ROOT / name).is_dir() or (ROOT / f"{name}.py").is_file())] == []


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the files in git, with the Python packages of this checkout."""
    folder = tmp_path_factory.mktemp("commands") / "nationalsite"
    files = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 # the git in PATH
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in (name for name in files if name and (ROOT / name).exists()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def _replacements() -> Mapping[int, int]:
    """Return what replaces the usual ports: successive ones, as `make run PORT=...` chooses them."""
    services = [ports for name, ports in PORTS.items() if name != "sandbox"]
    usual = [ports[kind] for kind in (0, 1) for ports in services] + [*PORTS["sandbox"]]
    return dict(zip(usual, reserve_successive_ports(len(usual)), strict=True))


def _environment(ports: Mapping[int, int], folder: Path) -> dict[str, str]:
    """Return the settings of a service beside the sandbox, and the addresses of the examples."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NATIONALSITE_")}
    local = {usual: f"127.0.0.1:{port}" for usual, port in ports.items()}
    sandbox = local[PORTS["sandbox"][0]]
    return {
        **inherited,
        **SANDBOX_APP,
        "NATIONALSITE_GATEWAY_URL": f"http://{sandbox}",
        "NATIONALSITE_SANDBOX_LISTEN": sandbox,
        "NATIONALSITE_HTTP_LISTEN": local[PORTS["product"][1]],
        "NATIONALSITE_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'store.db'}",
        "NATIONALSITE_PRODUCT": local[PORTS["product"][0]],
        "NATIONALSITE_ORDER_SYNC": local[PORTS["order_sync"][0]],
        "PORT": str(ports[PORTS["product"][0]]),
        "GOBIN": str(folder / "bin"),
        "PATH": f"{folder / 'bin'}:{inherited['PATH']}",
    }


@contextmanager
def _running(
    command: str, log: Path, folder: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run commands in a process group of their own, which is interrupted at the end, as Ctrl-C does."""
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603 # the commands of our own pages
            ["bash", "-e", "-o", "pipefail", "-c", command],  # noqa: S607 # the bash in PATH
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            for number in (signal.SIGINT, signal.SIGKILL):
                if process.poll() is None:
                    os.killpg(process.pid, number)
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(STOP_TIMEOUT_S)


def _wait_for(text: str, log: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while text not in log.read_text(errors="replace"):
        assert process.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < deadline, log.read_text(errors="replace")
        time.sleep(0.1)


@pytest.mark.polyglot
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page != DAY_ONE and commands(page)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_commands(page: Path, checkout: Path) -> None:
    ports, logs = _replacements(), checkout / "build" / "commands"
    logs.mkdir(parents=True, exist_ok=True)
    environment = _environment(ports, checkout.parent)
    if any("grpcurl " in block.commands for block in commands(page)):
        _install_grpcurl(environment)
    with ExitStack() as background:
        for number, block in enumerate(commands(page)):
            text = block.commands
            for usual, port in ports.items():
                text = text.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{port}")
            log = logs / f"{page.stem}-{number}.log"
            running = _running(text, log, checkout, environment)
            if block.run_until:
                _wait_for(block.run_until, log, background.enter_context(running))
                continue
            with running as process:
                exit_code = process.wait(TIMEOUT_S)
            assert exit_code == block.exit_code, f"{text}\n{log.read_text(errors='replace')[-4000:]}"


def _install_grpcurl(environment: Mapping[str, str]) -> None:
    """Install it as README.md says."""
    (command,) = (
        line
        for block in commands(ROOT / "README.md")
        for line in block.commands.splitlines()
        if line.startswith("go install")
    )
    subprocess.run(command.split(), env=environment, timeout=TIMEOUT_S, check=True)  # noqa: S603 # our own page
