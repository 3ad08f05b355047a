"""The adapter command line: authorizes the app, checks what it may do, shows what a call would send.

It never prints a token or a secret.
"""

from services.adapter.cli.main import main

__all__ = ["main"]
