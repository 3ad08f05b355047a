"""`python -m benchmarks [ROW ...]`: measures the rows that are named, by row or by measure, or all of them.

Only a run of all rows is kept, in docs/benchmarks.
"""

import signal
import sys
from collections.abc import Sequence

from benchmarks import report, rows, table
from benchmarks.recorded import Clock
from benchmarks.services import CHECKOUT
from benchmarks.taken import Taken
from tools.local_stack import ROOT


def main(names: Sequence[str]) -> None:
    """Measure and print; keep what is whole."""
    wanted, clock = rows.chosen(names), Clock()
    taken: dict[str, Taken] = {}
    for measure, take in rows.MEASURES.items():
        needed = {row.name for row in wanted if row.measures == measure}
        if needed:
            print(f"{measure} (load {clock.look():.1f}) ...", file=sys.stderr, flush=True)
            taken |= take(needed)
    run = clock.run(taken)
    print(table.text(table.lines(wanted, taken)))
    print(f"{run.took_s:.0f} s, load {min(run.loads):.1f} to {max(run.loads):.1f}")
    if wanted == rows.ROWS:
        if CHECKOUT == ROOT:
            report.keep(wanted, run)
        else:
            report.keep_before(run)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped then too
    try:
        main([name for argument in sys.argv[1:] for name in argument.split(",")])
    except KeyError as unknown:
        known = " ".join([*rows.MEASURES, *(row.name for row in rows.ROWS)])
        sys.exit(f"there is no row {unknown.args[0]}; there are: {known}")
    except KeyboardInterrupt:
        sys.exit("stopped; nothing is kept")
