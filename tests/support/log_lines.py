"""Reads what a running process logged."""

import json
from typing import Any

from tests.support.polling import wait_until
from tools.local_stack import RunningProcess


def wait_for_lines(running: RunningProcess, count: int, **fields: str) -> list[dict[str, Any]]:
    """Wait until a process has logged this many lines with these fields; return all of them.

    A thread copies what a process prints, so the lines of a call can arrive after its response.
    """

    def read() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in running.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if all(line.get(name) == value for name, value in fields.items())]

    wait_until(lambda: len(read()) >= count)
    return read()
