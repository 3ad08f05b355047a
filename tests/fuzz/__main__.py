"""`make fuzz`: fuzzes the targets with Atheris (libFuzzer), two at a time.

`python -m tests.fuzz [SECONDS]` runs all targets, each in a process of its own, and
`python -m tests.fuzz SECONDS TARGET` one. Inputs that reach new code are kept in build/fuzz/<target>, where
the next run begins. An input that violates a property is written to build/fuzz/<target>.crash-...: copy it to
tests/fuzz/kept/<target>, where tests/fuzz/test_targets.py finds it, and fix the parser.
"""

import hashlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import atheris
import structlog

from tests.fuzz import TARGET_NAMES

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "build" / "fuzz"
DEFAULT_SECONDS = 60
MAX_INPUT_S = 10
"""Of one input: libFuzzer ends a parser that hangs."""
MAX_RSS_MIB = 768
PARALLEL = 2


def main(arguments: list[str]) -> int:
    """Run all targets, or one; return the exit code."""
    seconds = int(arguments[0]) if arguments else DEFAULT_SECONDS
    if len(arguments) > 1:
        fuzz(arguments[1], seconds)
        return 0
    with ThreadPoolExecutor(PARALLEL) as pool:
        results = list(pool.map(lambda name: run(name, seconds), TARGET_NAMES))
    failed = results.count(False)
    print(f"{len(TARGET_NAMES) - failed} passed, {failed} failed")
    return 1 if failed else 0


def run(name: str, seconds: int) -> bool:
    """Run a target in its own process; print what it did. Return whether no property was violated."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    log = DIRECTORY / f"{name}.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tests.fuzz", str(seconds), name]
        finished = subprocess.run(command, cwd=ROOT, stdout=output, stderr=output, check=False)  # noqa: S603 # ourselves
    text = log.read_text(encoding="utf-8", errors="replace")
    done = re.search(r"Done \d+ runs in \d+ second", text)
    if finished.returncode == 0 and done:
        print(f"fuzz {name}: {done[0]}(s)", flush=True)
        return True
    print(f"fuzz {name}: FAILED, see {log.relative_to(ROOT)}\n{text[-3000:]}", flush=True)
    return False


def fuzz(name: str, seconds: int) -> None:
    """Fuzz a target in this process, which then ends."""
    with atheris.instrument_imports(include=["services"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 # instruments what it imports

    target, corpus = TARGETS[name], DIRECTORY / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    options = (
        f"-max_total_time={seconds}",
        f"-max_len={target.max_bytes}",
        f"-timeout={MAX_INPUT_S}",
        f"-rss_limit_mb={MAX_RSS_MIB}",
        f"-artifact_prefix={DIRECTORY / name}.",
        "-print_final_stats=1",
        "-verbosity=1",
    )
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # a line for each input would be slow
    atheris.Setup([sys.argv[0], *options, str(corpus)], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
