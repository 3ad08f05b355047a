"""Starts the sandbox: `python -m services.sandbox`."""

import argparse
import os
import signal
import sys

from services.sandbox.app import create_app
from services.sandbox.server import SandboxServer, open_listener
from services.sandbox.settings import CALLBACK_URL, DEFAULT_LISTEN, HOSTS, LISTEN, read_settings

_USAGE = f"""\
Runs a local gateway that behaves like 1688's, until SIGTERM or SIGINT. It reads these environment variables:
  {LISTEN}        the address it listens on; default: {DEFAULT_LISTEN}
  {CALLBACK_URL}  where it pushes messages; default: nowhere
  {HOSTS}         further names by which browsers may call it, separated by commas"""
_EXAMPLE = f"""\
an example:
  {LISTEN}=127.0.0.1:9168 python -m services.sandbox

docs/sandbox.md has its credentials, and how to make it fail."""


def main() -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code."""
    argparse.ArgumentParser(
        "python -m services.sandbox",
        description=_USAGE,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
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
    SandboxServer(create_app(settings.callback_url, settings.hosts | {settings.host})).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
