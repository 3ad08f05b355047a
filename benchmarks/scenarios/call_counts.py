"""What a call needs: turns of the event loop, wake-ups, timers, tasks, system calls, function calls.

Counts hardly depend on the load of the machine, so they show changes that are too small for a measured time.
"""

import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import responses
from benchmarks.load_client import LoadClient, Target
from benchmarks.nginx import nginx
from benchmarks.process_stats import voluntary_switches
from benchmarks.processes import worker_process
from benchmarks.results import Result, Series, absolute
from benchmarks.services import RunningService, category_target, run_service, search_target
from benchmarks.strace import traced_system_calls

OFFERS = 20
CALLS, WARM_UP_CALLS = 320, 96
TIMEOUT_S = 30
TRACED_CALLS = 32
"""Of which all allocations are written to a file."""
WORKERS = Path(__file__).parents[1] / "workers"
MALLOC_LIBRARY = "libc_malloc_debug.so.0"
"""Of glibc 2.34 and later: writes each allocation to the file of MALLOC_TRACE."""

COUNTS = (
    "turns of the event loop",
    "system calls",
    "of these getpid",
    "waits of the event loop's thread",
    "waits of other threads",
    "handles",
    "timers",
    "asyncio.timeout",
    "tasks",
    "futures",
    "context copies",
    "calls of functions in Python",
    "calls of functions in C",
    "garbage collections",
    "allocations",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The calls of a row."""

    build_target: Callable[[RunningService], Target]
    in_flight: int


LOADS = {
    f"counts-{name}{suffix}": Load(build_target=build_target, in_flight=in_flight)
    for name, build_target in (
        ("search", partial(search_target, offers=OFFERS)),
        ("cached", category_target),
    )
    for suffix, in_flight in (("", 1), ("-32", 32))
}
"""Row -> its calls."""

Calls = Callable[[], object]


def call_counts(rows: Collection[str]) -> dict[str, Result]:
    """Count in three processes of the service.

    The first one runs as it is: strace sees its system calls, then the kernel counts how often its threads
    wait. The second one counts what the thread of its event loop does (workers/counted_service.py). In the
    third one, the C library counts the allocations of all threads (workers/traced_service.py).
    """
    with (
        nginx() as upstream,
        worker_process("grpc_client") as worker,
        TemporaryDirectory(prefix="call-counts-") as directory,
    ):
        upstream.set_response(responses.KEYWORD_QUERY, responses.build_search_page(OFFERS))
        upstream.set_response(responses.CATEGORY_GET, responses.build_category_response())
        client, file, trace = LoadClient(worker), Path(directory) / "counts", Path(directory) / "trace"
        traced_environment = {
            "LD_PRELOAD": MALLOC_LIBRARY,
            "MALLOC_TRACE": str(trace),
            "PYTHONMALLOC": "malloc",  # otherwise Python divides large blocks among small objects
        }

        def run(worker: str, environment: Mapping[str, str]) -> AbstractContextManager[RunningService]:
            program = (str(WORKERS / f"{worker}.py"), "services.product", str(file))
            return run_service("product", upstream.url, environment, program=program, log=f"bench-{worker}")

        with (
            run_service("product", upstream.url) as plain,
            run("counted_service", {}) as counted,
            run("traced_service", traced_environment) as traced,
        ):
            results = {}
            for row in rows:
                load = LOADS[row]

                def make_calls(service: RunningService, calls: int, load: Load = load) -> None:
                    target = load.build_target(service)
                    client.closed_loop(target, in_flight=load.in_flight, calls=calls)

                for service in (plain, counted, traced):
                    make_calls(service, WARM_UP_CALLS)
                counts = {
                    **_count_system_calls(plain.pid, partial(make_calls, plain, CALLS)),
                    **_count_waits(plain.pid, partial(make_calls, plain, CALLS)),
                    **_count_in_process(counted.pid, file, partial(make_calls, counted, CALLS)),
                }
                trace_calls = partial(make_calls, traced, TRACED_CALLS)
                allocations = _count_allocations(traced.pid, file, trace, trace_calls)
                # closed_loop makes one call more, whose response it checks.
                per_call = {name: counts.get(name, 0) / (CALLS + 1) for name in COUNTS}
                results[row] = _to_result(per_call | {"allocations": allocations / (TRACED_CALLS + 1)})
    return results


def _to_result(per_call: Mapping[str, float]) -> Result:
    first, *others = (Series(name=name, unit="per call", values=(count,)) for name, count in per_call.items())
    return absolute(first, details=others)


def _count_system_calls(pid: int, make_calls: Calls) -> dict[str, int]:
    with traced_system_calls(pid) as calls:
        make_calls()
    turns = [
        calls[thread, name] for thread, name in calls if thread == pid and re.match("epoll_p?wait", name)
    ]
    getpids = [calls[thread, name] for thread, name in calls if name == "getpid"]
    return {
        "turns of the event loop": sum(turns),
        "system calls": calls.total(),
        "of these getpid": sum(getpids),
    }


def _count_waits(pid: int, make_calls: Calls) -> dict[str, int]:
    """Count how often threads waited. Each time, something woke them."""
    before = Counter(voluntary_switches(pid))
    make_calls()
    waits = Counter(voluntary_switches(pid)) - before
    return {
        "waits of the event loop's thread": waits[pid],
        "waits of other threads": waits.total() - waits[pid],
    }


def _count_in_process(pid: int, file: Path, make_calls: Calls) -> dict[str, int]:
    _signal(pid, file)
    make_calls()
    os.kill(pid, signal.SIGUSR1)
    _wait_until(lambda: file.stat().st_size > 0)
    counts: dict[str, int] = json.loads(file.read_text())
    return counts


def _count_allocations(pid: int, file: Path, trace: Path, make_calls: Calls) -> int:
    _signal(pid, file)
    make_calls()
    _signal(pid, file)
    with trace.open() as lines:
        # Such as "@ /usr/bin/python3.11:(PyMem_Malloc+1c)[0x7f] + 0x55 0x40". ">" ends a reallocation.
        return sum(line.rsplit(maxsplit=3)[1] in "+>" for line in lines if line.startswith("@"))


def _signal(pid: int, file: Path) -> None:
    """Send SIGUSR1, and wait until the process has created the file."""
    file.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    _wait_until(file.exists)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
