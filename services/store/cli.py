"""The operator's commands on a service's store: `migrate` and `erase`."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

from services.errors import StoreUnavailable
from services.store.database.schema_migrations import migrate
from services.store.database.store import open_store
from services.store.erasure import erase


def run_command(program: str, arguments: Sequence[str], url: str) -> int:
    """Run `migrate` or `erase --member-id ID` on the store at a URL. Return the exit code.

    Raises StartupError if the store cannot be opened.
    """
    parser = argparse.ArgumentParser(program, description="Without a command, the service runs.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the store's schema up to date")
    erase_parser = commands.add_parser("erase", help="erase a buyer's data")
    erase_parser.add_argument("--member-id", required=True, help="the buyer's out_member_id")
    options = parser.parse_args(arguments)
    if options.command == "migrate":
        migrate(url)
        return 0
    return asyncio.run(_erase(url, options.member_id))


async def _erase(url: str, member_id: str) -> int:
    """Print the number of erased rows as a JSON object."""
    try:
        async with open_store(url) as store:
            report = await erase(store, member_id)
    except StoreUnavailable as error:
        print(error)
        return 1
    print(json.dumps(asdict(report)))
    return 0
