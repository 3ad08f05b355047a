"""`make gen`: generates gen/, the mesh's lists of reads and the PrometheusRule.

Each output whose toolchain is missing is named, and stays as it was. This is not an error, so that a proto
can be changed without every toolchain. With --all, as `make check-gen` calls it, it is one.
"""

import sys

from tools.generation import (
    client_data,
    descriptors,
    golang,
    mesh,
    prometheus_rule,
    python,
    service_configs,
    typescript,
)
from tools.generation.toolchain import MissingToolchain
from tools.usage import build_parser

OUTPUTS = {
    "gen/descriptors": descriptors,  # first: the other outputs read them
    "gen/python": python,
    "gen/go": golang,
    "gen/ts": typescript,
    "gen/service_configs": service_configs,  # after the packages: it adds files to them
    "the JSON files in docs/reference": client_data,  # likewise
    "the lists of reads in deploy": mesh,
    "deploy/observability/prometheus-rule.yaml": prometheus_rule,
}


def main(arguments: list[str]) -> int:
    """Generate every output, and return the exit code."""
    parser = build_parser(
        "python -m tools.generation", __doc__, "make gen", "python -m tools.generation --all"
    )
    parser.add_argument("--all", action="store_true", help="fail if a toolchain is missing")
    options = parser.parse_args(arguments)
    missing_toolchains = 0
    for name, output in OUTPUTS.items():
        try:
            output.generate()
        except MissingToolchain as error:
            missing_toolchains += 1
            print(f"*** {name} was NOT generated, and stays as it was: {error}", file=sys.stderr)
    if missing_toolchains and options.all:
        print("*** install what is missing, and run make gen again", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
