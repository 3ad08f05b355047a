"""Collects the errors of all services that have not exactly what the rules of their reasons say."""

from collections.abc import Iterable

from services.server.reason_rules import ReasonRule
from tools import local_stack

BROKEN_RULES: list[str] = []
"""What is wrong with errors that were sent. Each test checks at its end that this is empty."""


def collect_broken_rules() -> None:
    """Check the errors of this process, and of all processes of tools.local_stack, from now on."""
    find_deviations = ReasonRule.find_deviations

    def find_and_collect(self: ReasonRule, metadata: Iterable[str], details: Iterable[str]) -> list[str]:
        deviations = find_deviations(self, metadata, details)
        BROKEN_RULES.extend(deviations)
        return deviations

    setattr(ReasonRule, "find_deviations", find_and_collect)  # noqa: B010 # mypy forbids the assignment
    local_stack.LOG_LINE_HOOKS.append(_collect_line)


def _collect_line(line: str) -> None:
    if '"error_breaks_its_rule"' in line:
        BROKEN_RULES.append(line)
