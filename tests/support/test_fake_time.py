"""A process has the clock that the test sets, and its durations and waits are not affected."""

import subprocess
import sys
import time

import pytest

from tests.support.fake_time import CACHE_S, FakeTime

pytestmark = pytest.mark.durability

MAX_WAIT_S = 10
"""For a wait of 0.2 s, while another thread keeps Python's global lock as long as it may."""
PROGRAM = """
import sys, threading, time

def loop():
    while True:
        pass

threading.Thread(target=loop, daemon=True).start()
for line in sys.stdin:
    started = time.monotonic()
    threading.Event().wait(0.2)
    print(time.time(), time.monotonic(), time.monotonic() - started, flush=True)
"""


def test_a_running_process_has_the_clock_of_the_test(tmp_path):
    fake_time = FakeTime(tmp_path / "offset", 5.0)
    with subprocess.Popen(  # noqa: S603 # our own program
        [sys.executable, "-c", PROGRAM],
        env=dict(fake_time.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def read_offsets() -> tuple[float, float]:
            process.stdin.write("\n")
            process.stdin.flush()
            wall, monotonic, waited_s = map(float, process.stdout.readline().split())
            assert 0.2 <= waited_s < MAX_WAIT_S
            return round(wall - time.time()), round(monotonic - time.monotonic())

        assert read_offsets() == (5, 0)
        fake_time.set(-3600.0)
        deadline = time.monotonic() + 10 * CACHE_S
        while (offsets := read_offsets()) == (5, 0) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert offsets == (-3600, 0)
        process.stdin.close()
