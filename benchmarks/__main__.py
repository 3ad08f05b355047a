"""`python -m benchmarks [ROW ...]`: measures the rows or measures that are named, or all of them."""

import sys
import time
from collections.abc import Sequence

from benchmarks import rows, table
from benchmarks.cpu import load
from benchmarks.taken import Taken


def main(names: Sequence[str]) -> None:
    """Measure and print; where all rows were measured, write docs/benchmarks."""
    wanted = rows.chosen(names)
    taken: dict[str, Taken] = {}
    started = time.perf_counter()
    for measure, take in rows.MEASURES.items():
        needed = {row.name for row in wanted if row.measures == measure}
        if needed:
            print(f"{measure} (load {load():.1f}) ...", file=sys.stderr, flush=True)
            taken |= take(needed)
    print(table.text(table.lines(wanted, taken)))
    print(f"{time.perf_counter() - started:.0f} s, load {load():.1f}")


if __name__ == "__main__":
    try:
        main([name for argument in sys.argv[1:] for name in argument.split(",")])
    except KeyError as unknown:
        known = " ".join([*rows.MEASURES, *(row.name for row in rows.ROWS)])
        sys.exit(f"there is no row {unknown.args[0]}; there are: {known}")
