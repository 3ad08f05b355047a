"""What holds for every test."""

import os

from tools import local_stack

# The run has several workers, and each starts processes of its own.
local_stack.LOG_DIR /= os.environ.get("PYTEST_XDIST_WORKER", "")
