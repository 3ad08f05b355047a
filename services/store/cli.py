"""The operator's commands on a service's store: `migrate`, `erase` and `creations`."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from services.errors import StartupError, StoreUnavailable
from services.store.database.connect_causes import DATABASE_URL
from services.store.database.opening import open_store
from services.store.database.schema_migrations import migrate
from services.store.erasure import TABLES_WITH_BUYERS_DATA, erase
from services.store.idempotency.keys import IdempotencyKeys, Started
from services.store.outbox.delivery import OrderId, OrderIdKind

INCOMPLETE = 3
"""Exit code of an erasure after which something of the buyer can still be read."""
READER_TIMEOUT_S = 15.0
"""How long an erasure waits for a reader of an older state of the database."""
POOLED = (
    f"{DATABASE_URL}: tables cannot be rewritten through a connection pooler: "
    "use a URL that leads to PostgreSQL directly, or --no-rewrite"
)
_ORDER_OPTIONS = {
    OrderIdKind.ORDER: ("--national-order-id", "an order"),
    OrderIdKind.SUB_ORDER: ("--national-sub-order-id", "a sub-order"),
    OrderIdKind.LOGISTICS_ORDER: ("--logistics-id", "a logistics order"),
}
MAX_LISTED = 1000
"""Unknown creations that the command lists, the oldest first."""


@dataclass(frozen=True, slots=True)
class CreationCommands:
    """What the commands need to know of an RPC that creates orders."""

    rpc: str
    """Its full name, as in the store."""
    build_response: Callable[[Sequence[int]], bytes]
    """Returns the serialized response of a call that created the orders with these ids."""
    retention_s: float


def run_command(options: argparse.Namespace, url: str, creations: CreationCommands | None = None) -> int:
    """Run a command of `add_commands` on the store at a URL. Return the exit code.

    `creations` is needed for their commands. Raises StartupError if the store cannot be opened.
    """
    if options.command == "migrate":
        migrate(url)
        return 0
    try:
        if options.command == "erase":
            erased_ids = [
                (kind, value)
                for kind, (option, _) in _ORDER_OPTIONS.items()
                for value in getattr(options, option.removeprefix("--").replace("-", "_"))
            ]
            return asyncio.run(_erase(url, options.member_id, erased_ids, rewrite=not options.no_rewrite))
        assert creations is not None  # noqa: S101 # or the parser has no further command
        if options.action == "resolve":
            order_ids = sorted(set(options.order_id or ()))
            return asyncio.run(_resolve_creation(url, creations, options.out_order_id, order_ids))
        return asyncio.run(_list_creations(url, creations))
    except StoreUnavailable as error:
        print(error)
        return 1


def add_commands(parser: argparse.ArgumentParser, *, has_creations: bool) -> None:
    """Add the commands to a parser: `command` is None if the arguments name none."""
    commands = parser.add_subparsers(dest="command", description="Without a command, the service runs.")
    commands.add_parser("migrate", help="bring the store's schema up to date")
    erase_parser = commands.add_parser("erase", help="erase a buyer's data")
    erase_parser.add_argument("--member-id", required=True, help="the buyer's out_member_id")
    for kind in OrderIdKind:
        option, what = _ORDER_OPTIONS[kind]
        erase_parser.add_argument(
            option, action="append", default=[], help=f"{what} of the buyer, which the store may not know"
        )
    erase_parser.add_argument(
        "--no-rewrite",
        action="store_true",
        help="do not rewrite the tables, which other calls wait for; the erasure is then not complete",
    )
    if not has_creations:
        return
    creations = commands.add_parser("creations", help="creations of orders whose outcome is unknown")
    actions = creations.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="print them as JSON, one a line, the oldest first")
    resolve = actions.add_parser(
        "resolve", help="record what you found at 1688; retries of the call return it"
    )
    resolve.add_argument("--out-order-id", required=True)
    outcome = resolve.add_mutually_exclusive_group(required=True)
    outcome.add_argument(
        "--order-id", type=_parse_order_id, action="append", help="an order of it; repeat this for each order"
    )
    outcome.add_argument(
        "--not-executed",
        action="store_true",
        help="there is no order. Retries fail with NOT_EXECUTED, and both ids stay used",
    )


def _parse_order_id(text: str) -> int:
    order_id = int(text)
    if not 0 < order_id < 2**63:
        raise ValueError("out of range")
    return order_id


async def _erase(url: str, member_id: str, order_ids: Sequence[OrderId], *, rewrite: bool) -> int:
    """Print the number of erased rows as a JSON object, and why the erasure is not complete."""
    problems: list[str] = []
    async with open_store(url) as store:
        if rewrite and store.is_pooled:
            raise StartupError([POOLED])
        report = await erase(store, member_id, order_ids)
        print(json.dumps(asdict(report)), flush=True)
        if report.pending_deliveries:
            problems.append(
                "pending deliveries are not erased: cancel them or wait for their end, and run this again"
            )
        tables = TABLES_WITH_BUYERS_DATA if rewrite else ()
        try:
            is_clean = await store.scrub(timeout_s=READER_TIMEOUT_S, rewrite=tables)
        except StoreUnavailable as error:
            problems.append(f"the files still have what was erased, run this again: {error}")
        else:
            if not is_clean and rewrite:
                problems.append(
                    "the files still have what was erased, because another connection reads an older state "
                    "of the database: end it, and run this again"
                )
        if not rewrite:
            problems.append(
                "free space in the files can still have what was erased: run this without --no-rewrite"
            )
    for problem in problems:
        print(f"not complete: {problem}", file=sys.stderr)
    return INCOMPLETE if problems else 0


async def _list_creations(url: str, creations: CreationCommands) -> int:
    async with open_store(url) as store:
        for outcome in await IdempotencyKeys(store).list_unknown(creations.rpc, MAX_LISTED):
            print(json.dumps(_describe(outcome.execution), ensure_ascii=False))
    return 0


async def _resolve_creation(
    url: str, creations: CreationCommands, out_order_id: str, order_ids: Sequence[int]
) -> int:
    """Record the orders of a creation; no ids: it was not executed. Print what retries of the call get."""
    response = creations.build_response(order_ids) if order_ids else None
    async with open_store(url) as store:
        keys = IdempotencyKeys(store, resource_retention_s=creations.retention_s)
        execution = await keys.decide(creations.rpc, out_order_id, response)
    if execution is None:
        print("no creation with this out_order_id has an unknown outcome; one may be running, or resolved")
        return 1
    print(json.dumps(_describe(execution), ensure_ascii=False))
    if order_ids:
        print(f"recorded: retries of this call return {len(order_ids)} orders, without amounts")
    else:
        print(
            "recorded: retries of this call send nothing and fail with NOT_EXECUTED. Its request_id and "
            "out_order_id stay used: the caller needs new ones. If an order is found later, resolve it again"
        )
    return 0


def _describe(execution: Started) -> dict[str, str]:
    start_time = datetime.fromtimestamp(execution.start_time_ms / 1000, UTC)
    return {
        "out_order_id": execution.request.resource_id,
        "request_id": execution.request.request_id,
        "caller": execution.request.caller,
        "start_time": start_time.isoformat(timespec="seconds"),
    }
