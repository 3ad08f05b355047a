"""Builds the programs of each language."""

import os
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path

from tools.local_stack import ROOT

REQUIRED_TOOLS = {
    "go": {"go": "Go 1.26 or later"},
    "java": {"javac": "a JDK, 17 or later", "mvn": "Maven 3.8 or later"},
    "ts": {"node": "Node.js 20 or later", "npm": "npm, which comes with Node.js"},
    "python": {},
}
"""Tools that each language needs in PATH, and what to install if one is missing."""
_BUILD_TIMEOUT_S = 600


@cache
def build(language: str, folder: Path, root: Path = ROOT) -> str:
    """Run the folder's `build` in a checkout, once; return the error, empty for success."""
    missing = [
        f"{tool} ({package})" for tool, package in REQUIRED_TOOLS[language].items() if not shutil.which(tool)
    ]
    if missing:
        return f"cannot test {language} here: install {' and '.join(missing)}"
    environment = dict(os.environ)
    if root != ROOT:  # a release, whose unit tests passed when it was made
        environment["MAVEN_OPTS"] = "-DskipTests"
    built = run_process([folder / "build"], _BUILD_TIMEOUT_S, environment, root)
    if built.returncode != 0:
        return f"{folder}/build failed:\n{built.stdout[-2000:]}{built.stderr[-4000:]}"
    return ""


def run_process(
    command: list[str | Path], timeout_s: float, environment: dict[str, str], root: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a command in a checkout to its end; after the timeout, kill it with its child processes."""
    with subprocess.Popen(  # noqa: S603 # our own scripts
        command,
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += f"\nkilled after {timeout_s} s"
    return subprocess.CompletedProcess(command, process.returncode, out, err)
