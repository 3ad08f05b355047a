"""`make bench`: measures the named rows, or the rows of the named scenarios, or all.

Only a run of all rows is saved to docs/benchmarks.
"""

import signal
import sys
from collections.abc import Sequence

from benchmarks import report, rows, table
from benchmarks.results import Result
from benchmarks.runs import RunRecorder
from benchmarks.services import CHECKOUT
from tools.local_stack import ROOT
from tools.usage import build_parser


def main(names: Sequence[str]) -> None:
    """Measure and print the rows; save the run if it is complete."""
    selected, recorder = rows.select_rows(names), RunRecorder()
    results: dict[str, Result] = {}
    for scenario, measure in rows.SCENARIOS.items():
        row_names = {row.name for row in selected if row.scenario == scenario}
        if row_names:
            print(f"{scenario} (load {recorder.record_load():.1f}) ...", file=sys.stderr, flush=True)
            results |= measure(row_names)
    run = recorder.finish(results)
    print(table.to_text([table.HEADER, *table.build_lines(selected, results)]))
    if "call-counts" in {row.scenario for row in selected}:
        print(table.to_text(table.build_counts(selected, results)))
    for name, details in table.list_details(selected, results):
        print(f"{name}: {details}")
    print(f"{run.duration_s:.0f} s, load {min(run.loads):.1f} to {max(run.loads):.1f}")
    if selected == rows.ROWS:
        if CHECKOUT == ROOT:
            report.save_latest(selected, run)
        else:
            report.save_baseline(run)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that SIGTERM stops child processes too
    parser = build_parser(
        "python -m benchmarks", __doc__, "make bench ROWS=search,cached", "python -m benchmarks search"
    )
    parser.add_argument("names", nargs="*", help="rows or scenarios, also joined by commas; default: all")
    try:
        main([name for argument in parser.parse_args().names for name in argument.split(",")])
    except KeyError as unknown:
        known = " ".join([*rows.SCENARIOS, *(row.name for row in rows.ROWS)])
        sys.exit(f"unknown row {unknown.args[0]}; rows and scenarios: {known}")
    except KeyboardInterrupt:
        sys.exit("stopped; nothing was saved")
