"""TypeScript checks the scripts of the page, which have no type annotations."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.page


def test_scripts_have_no_type_errors():
    command = [ROOT / "node_modules" / ".bin" / "tsc", "--project", Path(__file__).parent]
    result = subprocess.run(  # noqa: S603 # our own arguments
        command, capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout) == (0, "")
