"""What an operator does to a service's store by hand."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

from services.errors import StoreUnavailable
from services.store.database.schema_migrations import migrate
from services.store.erasure import erase
from services.store.store import open_store


def run_command(program: str, arguments: Sequence[str], url: str) -> int:
    """Carry out `migrate` or `erase --member-id ID` on the store at a URL; return the exit code.

    Raises StartupError where the store cannot be opened.
    """
    parser = argparse.ArgumentParser(program, description="Without a command, the service serves.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the store's schema up to date")
    erasing = commands.add_parser("erase", help="erase what is stored of a buyer")
    erasing.add_argument("--member-id", required=True, help="the buyer's out_member_id")
    chosen = parser.parse_args(arguments)
    if chosen.command == "migrate":
        migrate(url)
        return 0
    return asyncio.run(_erase(url, chosen.member_id))


async def _erase(url: str, member_id: str) -> int:
    """Print how much of what went, as one JSON object."""
    try:
        async with open_store(url) as store:
            erased = await erase(store, member_id)
    except StoreUnavailable as error:
        print(error)
        return 1
    print(json.dumps(asdict(erased)))
    return 0
