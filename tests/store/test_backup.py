"""The commands of docs/backup.md, on a store in use, and the state after a restore."""

import asyncio
import re
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services.store import ReceivedMessage, Storage, storage_lifespan
from tests.store.factories import build_delivery, build_message
from tests.store.leasing import ack, get_ids, lease, subscribe
from tests.support.postgres import create_database, find_binaries
from tools.local_stack import ROOT

LARGE_MIB, MAX_PEAK_MIB = 200, 50
GUIDE = (ROOT / "docs" / "backup.md").read_text()


def run(*command: object, **options: Any) -> bytes:
    completed = subprocess.run([str(part) for part in command], check=True, capture_output=True, **options)  # noqa: S603 # the guide's commands
    return completed.stdout


async def use_during_backup(
    storage: Storage, back_up: Callable[[], Awaitable[None]]
) -> Sequence[ReceivedMessage]:
    """Acknowledge one message before the backup, and another one after it. Return a third one."""
    await subscribe(storage)
    await storage.inbox.store([build_message(1), build_message(2)])
    await ack(storage, await lease(storage, limit=1))
    await storage.deliveries.enqueue(build_delivery(1))
    await back_up()
    await ack(storage, await lease(storage))
    await storage.inbox.store([build_message(3)])
    await storage.deliveries.enqueue(build_delivery(2))
    return await lease(storage)


async def check_restored(storage: Storage, lost: Sequence[ReceivedMessage]) -> None:
    """What was acknowledged after the backup is redelivered. What was stored after it is lost."""
    assert get_ids(await lease(storage)) == ["m2"]
    page = await storage.deliveries.list(owner=None)
    assert [delivery.request_id for delivery in page.items] == ["r1"]
    assert (await storage.deliveries.enqueue(build_delivery(1))).delivery_id == page.items[0].delivery_id
    await storage.deliveries.enqueue(build_delivery(2))
    await storage.inbox.store([build_message(4)])
    assert get_ids(await lease(storage)) == ["m4"]
    # It has the sequence number of the lost message, but not its ack id.
    assert await ack(storage, lost) == [lost[0].ack_id]


def build_program(store: Path) -> str:
    """Return the program of the guide for a database."""
    (program,) = re.findall(r'-- python -c "(.*?)" > store\.db', GUIDE, re.DOTALL)
    return program.replace("/var/lib/nationalsite/store.db", str(store)).replace(
        "/var/lib/nationalsite", str(store.parent)
    )


async def test_sqlite_is_backed_up_while_it_is_used(tmp_path):
    store, backup = tmp_path / "store.db", tmp_path / "backup.db"

    async def back_up() -> None:
        backup.write_bytes(await asyncio.to_thread(run, sys.executable, "-c", build_program(store)))

    async with storage_lifespan(f"sqlite+aiosqlite:///{store}") as storage:
        lost = await use_during_backup(storage, back_up)
        assert not list(tmp_path.glob("tmp*")), "its copy was removed"
    for journal in tmp_path.glob("store.db-*"):
        journal.unlink()
    backup.replace(store)
    async with storage_lifespan(f"sqlite+aiosqlite:///{store}") as storage:
        await check_restored(storage, lost)


@pytest.mark.slow
def test_a_large_sqlite_file_is_backed_up_with_little_memory(tmp_path, report):
    """The command runs beside the service, within the memory limit of its container."""
    store, backup = tmp_path / "store.db", tmp_path / "backup.db"
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE texts (text BLOB)")
        connection.executemany("INSERT INTO texts VALUES (zeroblob(?))", [[2**20]] * LARGE_MIB)
        connection.commit()
        # Not by `getrusage`, whose maximum includes the memory of the process that starts this one.
        program = build_program(store) + "\nprint(open('/proc/self/status').read(), file=sys.stderr)"
        completed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)  # noqa: S603 # the guide's program
        backup.write_bytes(completed.stdout)
        (peak_kib,) = re.findall(rb"VmHWM:\s+(\d+) kB", completed.stderr)
        peak_mib = int(peak_kib) / 1024
        report(f"{peak_mib:.0f} MiB for a file of {LARGE_MIB} MiB")
        assert peak_mib < MAX_PEAK_MIB
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM texts").fetchone() == (LARGE_MIB,)


@pytest.mark.postgres
async def test_postgresql_is_dumped_and_restored(server, tmp_path):
    url = create_database(server)
    dump, restore = (
        re.findall(rf"^{program} .*$", GUIDE, re.MULTILINE)[0]
        .replace('"$URL"', url.replace("+psycopg", ""))
        .split()
        for program in ("pg_dump", "pg_restore")
    )

    async def back_up() -> None:
        await asyncio.to_thread(run, find_binaries() / dump[0], *dump[1:], cwd=tmp_path)

    async with storage_lifespan(url) as storage:
        lost = await use_during_backup(storage, back_up)
    await asyncio.to_thread(run, find_binaries() / restore[0], *restore[1:], cwd=tmp_path)
    async with storage_lifespan(url) as storage:
        await check_restored(storage, lost)
