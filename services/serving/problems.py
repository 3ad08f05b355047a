"""What keeps a process from starting, told in lines that an operator can act on."""

import sys
from collections.abc import Sequence
from typing import NoReturn

EXIT_CODE = 2


class CannotStart(Exception):
    """The process cannot start. One line for each cause, none with the value of a secret."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)

    def exit(self) -> NoReturn:
        """Prints the lines to stderr and leaves with exit code 2."""
        for line in self.lines:
            print(line, file=sys.stderr)
        sys.exit(EXIT_CODE)
