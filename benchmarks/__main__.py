"""`make bench`: every row of docs/benchmarks.md, measured on this machine in at most ten minutes.

`python -m benchmarks ROW...` measures some of them, and only prints.
"""

import platform
import sys
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

import grpc
import msgspec
from google.protobuf import __version__ as protobuf

from benchmarks import caching, overload, report, searching, sizes, starting, storing
from benchmarks.measuring import machine
from benchmarks.result import Result

ROWS: Mapping[str, Callable[[], list[Result]]] = MappingProxyType(
    {
        "search": searching.cpu_of_a_call,
        "latency": searching.latency,
        "many": searching.many_in_flight,
        "cached": caching.cached,
        "details": sizes.details,
        "pages": sizes.pages,
        "pictures": sizes.pictures,
        "storing": storing.storing,
        "overload": overload.overload,
        "starting": starting.starting,
    }
)


def main(chosen: list[str]) -> None:
    """Measure the chosen rows, or all of them and write them down."""
    if unknown := set(chosen) - set(ROWS):
        sys.exit(f"no such rows: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    began = time.perf_counter()
    versions = f"Python {platform.python_version()}, grpcio {grpc.__version__}, protobuf {protobuf}"
    about = f"{time.strftime('%Y-%m-%d')}: {machine()}; {versions}, msgspec {msgspec.__version__}."
    print(about, flush=True)
    results: list[Result] = []
    for name in chosen or ROWS:
        results += ROWS[name]()
        print(f"{name}: {time.perf_counter() - began:.0f} s since the beginning", file=sys.stderr, flush=True)
    print(report.table(results))
    if not chosen:
        report.keep(results, f"{about} The run took {time.perf_counter() - began:.0f} s.")


if __name__ == "__main__":
    main(sys.argv[1:])
