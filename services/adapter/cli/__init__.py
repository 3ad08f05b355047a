"""What an operator does by hand: get the app authorised, check what it may do, look at a signature.

No token and no secret is ever printed.
"""

from services.adapter.cli.commands import main

__all__ = ["main"]
