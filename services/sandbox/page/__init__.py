"""The web page: static files that call the admin API. They need no build step, and nothing of other hosts.

`static/main.js` is where to start reading. It must not import any other package of the sandbox.
"""

from pathlib import Path
from typing import Final

from starlette.staticfiles import StaticFiles

PAGE: Final = StaticFiles(directory=Path(__file__).parent / "static", html=True)
