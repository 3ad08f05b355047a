"""Starts the sandbox: `python -m services.sandbox`."""

import os
import signal
import sys

from services.sandbox.app import create_app
from services.sandbox.server import SandboxServer, open_listener
from services.sandbox.settings import LISTEN, read_settings


def main() -> int:
    """Serves until SIGTERM or SIGINT; returns the exit code."""
    try:
        settings = read_settings(os.environ)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        listener = open_listener(settings.host, settings.port)
    except OSError as error:
        print(f"{LISTEN}: cannot listen on {settings.host}:{settings.port}: {error}", file=sys.stderr)
        return 2
    if not settings.is_local:
        print(
            f"warning: {settings.host} is reachable from other machines; nothing here is secret",
            file=sys.stderr,
        )
    # uvicorn stops at these signals and raises them again when it is done: to stop is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    SandboxServer(create_app(settings.callback_url)).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
