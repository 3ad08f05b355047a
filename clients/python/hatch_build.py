"""Adds the stubs and the licence, which are outside of this folder in a checkout, and in it in an sdist."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STUBS = "nationalsite"


class StubsHook(BuildHookInterface[Any]):
    """Adds what is outside of the folder."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to what is built."""
        here = Path(self.root)
        checkout = here.parents[1]
        included = build_data["force_include"]
        if (here / STUBS).is_dir():  # an sdist
            included[str(here / STUBS)] = STUBS
            return
        included[str(checkout / "gen" / "python_client" / STUBS)] = STUBS
        if self.target_name == "sdist":
            included[str(checkout / "LICENSE")] = "LICENSE"
