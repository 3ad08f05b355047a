"""`python -m tools.generation [--all]`: writes gen/ anew, and says what could not be for want of a toolchain.

What could not be stays as it was. That is no failure, so that nobody needs four languages to change a proto.
With `--all`, as `make check-gen` runs it, it is one.
"""

import sys

from tools.generation import descriptors, golang, python, service_configs, typescript
from tools.generation.toolchain import MissingToolchain

OUTPUTS = {
    "gen/descriptors": descriptors,
    "gen/python": python,  # reads the descriptors
    "gen/go": golang,
    "gen/ts": typescript,
    "gen/service_configs": service_configs,  # last: it adds to the packages
}


def main(arguments: list[str]) -> int:
    """Run every output; the exit code."""
    missing = 0
    for name, output in OUTPUTS.items():
        try:
            output.generate()
        except MissingToolchain as error:
            missing += 1
            print(f"*** {name} was NOT generated, and stays as it was: {error}", file=sys.stderr)
    if missing and "--all" in arguments:
        print("*** with everything installed, run make gen again", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
