"""The timers of deadlines that code creates."""

from types import ModuleType

import pytest

from services.deadline_timer import DeadlineTimer


def record_timers(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> list[DeadlineTimer]:
    """Return a list of the timers that the module creates from now on."""
    timers: list[DeadlineTimer] = []

    class RecordedTimer(DeadlineTimer):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            timers.append(self)

    monkeypatch.setattr(module, "DeadlineTimer", RecordedTimer)
    return timers
