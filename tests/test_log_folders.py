"""tools.local_stack gives each program a folder for its logs."""

import subprocess
import sys

from tools.local_stack import ROOT

PROGRAM = """
import sys
from tools import local_stack
local_stack.claim_log_dir("test-log-folders")
print(local_stack.LOG_DIR.name, flush=True)
sys.stdin.read()
"""


def start() -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "default", "-c", PROGRAM]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, text=True, stdin=pipe, stdout=pipe, stderr=pipe)  # noqa: S603 # our own program


def test_two_programs_have_two_folders_and_end_without_warnings() -> None:
    with start() as first, start() as second:
        names = {program.stdout.readline().strip() for program in (first, second)}
        errors = [program.communicate()[1] for program in (first, second)]
    assert names == {"test-log-folders", "test-log-folders-2"}
    assert errors == ["", ""]
