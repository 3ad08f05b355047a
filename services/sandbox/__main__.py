"""Starts the sandbox: `python -m services.sandbox`."""

import os
import signal
import sys

from services.sandbox.app import create_app
from services.sandbox.server import SandboxServer, open_listener
from services.sandbox.settings import LISTEN, read_settings


def main() -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code."""
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
            f"warning: other machines can reach {settings.host}, and the sandbox's credentials are public",
            file=sys.stderr,
        )
    # uvicorn stops at these signals, and sends them to this process again afterwards. They are ignored then,
    # so that the exit code is 0.
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: None)
    SandboxServer(create_app(settings.callback_url)).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
