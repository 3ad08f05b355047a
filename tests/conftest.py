"""What holds for every test."""

import os

from tools import stack

# The run has several workers, and each starts processes of its own.
stack.LOGS /= os.environ.get("PYTEST_XDIST_WORKER", "")
