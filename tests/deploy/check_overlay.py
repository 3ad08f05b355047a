"""`python -m tests.deploy.check_overlay DIRECTORY...`: renders overlays of one's own and checks them.

It makes the checks that the tests make for deploy/environments, and reports placeholders. Overlays that are
applied together are checked together. The exit code is 1 if there is a problem.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.deploy import checks
from tests.deploy.kustomize import Object, qualified_name, render
from tests.deploy.validation import MINOR_VERSIONS, schema_errors


def find_problems(directories: Sequence[Path]) -> list[str]:
    """Return the problems of overlays that are applied together."""
    together: dict[str, Object] = {}
    for directory in directories:
        together |= {qualified_name(item): item for item in render(directory.resolve())}
    objects = list(together.values())
    invalid = [error for item in objects for minor in MINOR_VERSIONS for error in schema_errors(item, minor)]
    return [*invalid, *checks.problems(objects), *checks.placeholders(objects)]


def main() -> int:
    """Print the problems; return the exit code."""
    directories = [Path(argument) for argument in sys.argv[1:]]
    if not directories:
        print(__doc__, file=sys.stderr)
        return 2
    problems = find_problems(directories)
    print("\n".join(problems) if problems else "no problems found")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
