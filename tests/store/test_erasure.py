"""A buyer's data is erased: from the tables, and from the files of the database."""

import argparse
import asyncio
import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from services.errors import DeliveryNotFound, NoFullSync, StoreUnavailable
from services.store import (
    DeliveredOutcome,
    FullOrderKey,
    FullOrderKind,
    OrderIdKind,
    RetentionPolicy,
    add_commands,
    erase,
    erasure,
    open_store,
    retention,
    run_command,
    storage_lifespan,
)
from services.store import cli as store_cli
from services.store.database.engine import parse_url
from services.store.database.schema import metadata
from services.store.database.schema_migrations import connect
from services.store.erasure import TABLES_WITH_BUYERS_DATA
from tests.store.factories import (
    CAPACITIES,
    build_delivery,
    build_full_order,
    build_message,
    read_full_order,
    store_full_order,
    sweep,
    wait_until,
)
from tests.store.leasing import lease, subscribe

ORDER, SUB_ORDER, LOGISTICS_ORDER = OrderIdKind
SECRET = b"Hanako Yamada, Jingumae 1-2-3, Shibuya"
SEED_WITH_COPIES = 0
"""Of changes after which SQLite 3.40 leaves copies of moved rows."""
CASES = json.loads((Path(__file__).parent / "erasure_cases.json").read_text())


async def deliver(storage, *new):
    """Enqueue deliveries, and send them until they are delivered."""
    enqueued = [await storage.deliveries.enqueue(each) for each in new]
    sent = []

    async def send(delivery):
        sent.append(delivery)
        return DeliveredOutcome(results=b"")

    async with storage.build_relay(send, CAPACITIES).lifespan():
        await wait_until(lambda: len(sent) == len(new))
    return enqueued


def find_in_files(directory: Path, *searched: bytes) -> set[tuple[str, bytes]]:
    """Return in which files of a directory a text stands."""
    return {
        (path.name, each) for path in directory.iterdir() for each in searched if each in path.read_bytes()
    }


async def test_erase_deletes_everything_of_a_buyers_orders(storage):
    await store_full_order(storage, build_full_order(1, member="hanako", payload=SECRET))
    await store_full_order(storage, build_full_order(2, member="taro"))
    await store_full_order(
        storage,
        build_full_order(3, kind=FullOrderKind.LOGISTICS_ORDER, national_order_id="id1", payload=SECRET),
    )
    await store_full_order(
        storage, build_full_order(4, kind=FullOrderKind.LOGISTICS_ORDER, national_order_id="id2")
    )
    enqueued = await deliver(
        storage,
        build_delivery(1, member_id="hanako", order_ids=[(ORDER, "id1")], payload=SECRET),
        build_delivery(2, order_ids=[(ORDER, "id1")], payload=SECRET),
        build_delivery(3, member_id="hanako", order_ids=[(ORDER, "id9")], payload=SECRET),
        build_delivery(4, member_id="taro", order_ids=[(ORDER, "id2")]),
    )
    await storage.deliveries.enqueue(build_delivery(5, order_ids=[(ORDER, "id9")]))

    report = await erase(storage.store, "hanako")

    assert (report.full_orders, report.deliveries, report.pending_deliveries) == (2, 3, 1)
    for delivery in enqueued[:3]:
        with pytest.raises(DeliveryNotFound):
            await storage.deliveries.get(delivery.delivery_id, owner=None)
    await storage.deliveries.get(enqueued[3].delivery_id, owner=None)
    await read_full_order(storage, FullOrderKey(kind=FullOrderKind.ORDER, id="id2"))
    await read_full_order(storage, FullOrderKey(kind=FullOrderKind.LOGISTICS_ORDER, id="id4"))
    with pytest.raises(NoFullSync):
        await read_full_order(storage, FullOrderKey(kind=FullOrderKind.LOGISTICS_ORDER, id="id3"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_deliveries_are_found_by_the_ids_of_the_buyers_orders(storage, case):
    def parse(ids):
        return [(OrderIdKind(kind), value) for kind, value in (each.split(":") for each in ids)]

    for number, fields in enumerate(case.get("full_orders", [])):
        kind, value = fields["id"].split(":")
        order = build_full_order(
            number, kind=FullOrderKind(kind), member=fields.get("member"), national_order_id=fields["order"]
        )
        await store_full_order(storage, order_with_id(order, value))
    enqueued = await deliver(
        storage,
        *(
            build_delivery(number, member_id=fields.get("member"), order_ids=parse(fields["ids"]))
            for number, fields in enumerate(case["deliveries"])
        ),
    )
    await erase(storage.store, "hanako", parse(case.get("given", [])))
    page = await storage.deliveries.list(owner=None)
    kept = [number for number, each in enumerate(enqueued) if each.delivery_id in ids_of(page)]
    assert kept == [number for number, fields in enumerate(case["deliveries"]) if fields.get("kept")]


async def test_a_second_erasure_finds_what_was_pending(storage):
    await store_full_order(storage, build_full_order(1, member="hanako"))
    await store_full_order(storage, build_full_order(2, member="taro"))
    pending = [
        await storage.deliveries.enqueue(build_delivery(number, order_ids=[(ORDER, each) for each in ids]))
        for number, ids in enumerate([["id1"], ["id1", "id2"]])
    ]
    first, second = await erase(storage.store, "hanako"), await erase(storage.store, "hanako")
    assert (first.full_orders, first.pending_deliveries) == (1, 2)
    assert (second.full_orders, second.pending_deliveries) == (0, 2)

    for delivery in pending:
        await storage.deliveries.cancel(delivery.delivery_id, owner=None)
    third = await erase(storage.store, "hanako")
    assert (third.full_orders, third.deliveries, third.pending_deliveries) == (0, 2, 0)
    await read_full_order(storage, FullOrderKey(kind=FullOrderKind.ORDER, id="id2"))


async def test_an_erasure_continues_one_that_ended_early(storage, monkeypatch):
    await store_full_order(storage, build_full_order(1, member="hanako"))
    delivery = await storage.deliveries.enqueue(build_delivery(1, order_ids=[(ORDER, "id1")]))
    await storage.deliveries.cancel(delivery.delivery_id, owner=None)

    async def fail(*_):
        raise StoreUnavailable("test")

    with monkeypatch.context() as patch:
        patch.setattr(erasure, "_erase_deliveries", fail)
        with pytest.raises(StoreUnavailable):
            await erase(storage.store, "hanako")
    report = await erase(storage.store, "hanako")
    assert (report.full_orders, report.deliveries) == (0, 1)


def test_tables_with_content_or_ids_of_orders_are_rewritten():
    columns = {"member_id", "order_ids", "ordering_group", "ordering_key", "payload", "raw"}
    assert {table.name for table in metadata.sorted_tables if columns & {*table.c.keys()}} <= {
        *TABLES_WITH_BUYERS_DATA
    }


def order_with_id(order, value):
    """Return a full order with another id."""
    return type(order)(
        kind=order.kind,
        id=value,
        national_order_id=order.national_order_id,
        member_id=order.member_id,
        payload=order.payload,
    )


def ids_of(page):
    return {delivery.delivery_id for delivery in page.items}


async def test_erase_removes_a_members_messages_from_backlogs(storage):
    await subscribe(storage)
    await storage.inbox.store([build_message(1)])
    assert (await erase(storage.store, "b2b-1")).messages == 1
    assert await lease(storage) == []


def run_erase(url, *options, capsys):
    """Run the command; return its exit code, its report and its words."""
    capsys.readouterr()
    parser = argparse.ArgumentParser()
    add_commands(parser, has_creations=False)
    code = run_command(parser.parse_args(["erase", "--member-id", "hanako", *options]), url)
    out, err = capsys.readouterr()
    return code, json.loads(out), err


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Keep a read transaction open on a SQLite file."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM deliveries").fetchall()
        yield


@pytest.fixture
def filled_file(tmp_path) -> Path:
    """A SQLite file with deliveries of hanako and others, some of which were moved between pages."""
    file = tmp_path / "store.db"
    asyncio.run(fill(f"sqlite+aiosqlite:///{file}"))
    return file


async def fill(url):
    async with storage_lifespan(url) as storage:
        await deliver(
            storage,
            build_delivery(1, member_id="hanako", order_ids=[(ORDER, "order-of-hanako")], payload=SECRET),
            build_delivery(2, order_ids=[(ORDER, "order-of-hanako")], payload=SECRET * 500),
            build_delivery(3, member_id="taro", payload=b"of taro"),
        )


def test_nothing_of_an_erased_buyer_is_in_the_files(filled_file, capsys):
    searched = (b"hanako", SECRET)
    assert find_in_files(filled_file.parent, *searched)
    code, report, words = run_erase(f"sqlite+aiosqlite:///{filled_file}", capsys=capsys)
    assert (code, report["deliveries"], words) == (0, 2, "")
    assert find_in_files(filled_file.parent, *searched) == set()
    assert find_in_files(filled_file.parent, b"of taro") == {("store.db", b"of taro")}


def test_an_erasure_says_that_a_reader_prevents_it(filled_file, capsys, monkeypatch):
    monkeypatch.setattr(store_cli, "READER_TIMEOUT_S", 0.05)
    url = f"sqlite+aiosqlite:///{filled_file}"
    with reading(filled_file):
        code, report, words = run_erase(url, capsys=capsys)
        assert (code, report["deliveries"]) == (3, 2)
        assert words.startswith("not complete: the files still have what was erased, because another")
        assert find_in_files(filled_file.parent, SECRET)
    code, report, words = run_erase(url, capsys=capsys)
    assert (code, report["deliveries"], words) == (0, 0, "")
    assert find_in_files(filled_file.parent, SECRET, b"hanako") == set()


def test_an_erasure_says_what_it_does_not_erase(filled_file, capsys):
    url = f"sqlite+aiosqlite:///{filled_file}"
    assert run_erase(url, "--no-rewrite", capsys=capsys)[::2] == (
        3,
        "not complete: free space in the files can still have what was erased: run this without "
        "--no-rewrite\n",
    )

    async def enqueue():
        async with storage_lifespan(url) as storage:
            await storage.deliveries.enqueue(build_delivery(9, order_ids=[(LOGISTICS_ORDER, "logistics-9")]))

    asyncio.run(enqueue())
    code, report, words = run_erase(url, "--logistics-id", "logistics-9", capsys=capsys)
    assert (code, report["pending_deliveries"]) == (3, 1)
    assert words.startswith("not complete: pending deliveries are not erased")
    assert run_erase(url, capsys=capsys)[:2] == (code, report | {"full_orders": 0, "deliveries": 0})


@pytest.mark.slow
async def test_copies_of_moved_rows_are_gone_after_a_rewrite(tmp_path):
    """`secure_delete` does not overwrite the copies that remain when SQLite moves rows between pages."""
    file = tmp_path / "store.db"
    erased = [f"member-{number:03}" for number in range(5, 100, 10)]
    async with open_store(f"sqlite+aiosqlite:///{file}") as store:
        await asyncio.to_thread(change_at_random, file, SEED_WITH_COPIES)
        for member_id in erased:
            await erase(store, member_id)
        searched = [member_id.encode() for member_id in erased]
        assert await store.scrub(timeout_s=1)
        assert find_in_files(tmp_path, *searched), "SQLite left no copies: the test shows nothing"
        assert await store.scrub(timeout_s=1, rewrite=TABLES_WITH_BUYERS_DATA)
        assert find_in_files(tmp_path, *searched) == set()


def change_at_random(file: Path, seed: int) -> None:
    """Insert and delete orders of many buyers."""
    chance = random.Random(seed)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for pragma in ("secure_delete = ON", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        for _ in range(20):
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(100):
                member = f"member-{chance.randrange(100):03}"
                order_id = f"{member}-{chance.random():.17f}"
                values = ("order", order_id, order_id, member, member.encode() * chance.randrange(1, 5))
                connection.execute("INSERT INTO full_orders VALUES (?, ?, ?, ?, ?, '', 0)", values)
                connection.execute(
                    "DELETE FROM full_orders WHERE id IN"
                    " (SELECT id FROM full_orders WHERE id > ? ORDER BY id LIMIT ?)",
                    (f"member-{chance.randrange(100):03}", chance.randrange(3)),
                )
            connection.execute("COMMIT")


async def test_a_sweep_empties_the_journal(open_storage, url, clock, tmp_path, monkeypatch):
    monkeypatch.setattr(retention, "READER_TIMEOUT_S", 0.05)
    if not url.startswith("sqlite"):
        return
    policy = RetentionPolicy(full_orders_s=100, deliveries_s=100)
    async with open_storage(retention=policy) as storage:
        await store_full_order(storage, build_full_order(1, member="hanako", payload=SECRET))
        await deliver(storage, build_delivery(1, member_id="hanako", payload=SECRET))
        clock.advance_s(101)
        with reading(tmp_path / "store.db"):
            assert (await sweep(storage))["full_orders"] == 1
            assert find_in_files(tmp_path, SECRET)
        await sweep(storage)
        assert find_in_files(tmp_path, SECRET, b"hanako") == set()


@pytest.mark.postgres
async def test_nothing_of_an_erased_buyer_is_in_postgresqls_files(url, storage, server, capsys):
    if url.startswith("sqlite"):
        return
    searched = (b"hanako", SECRET)

    def find():
        with connect(parse_url(url)) as connection:
            connection.execute(text("CHECKPOINT"))
        return {
            (path.name, each)
            for path, content in server.read_data_files()
            for each in searched
            if each in content
        }

    new = []
    for number in range(50):
        order_id, payload = f"order-of-hanako-{number}", SECRET + b"%d" % number
        order = build_full_order(number, member="hanako", national_order_id=order_id, payload=payload)
        await store_full_order(storage, order)
        ids = [(ORDER, order_id)]
        new.append(build_delivery(number, member_id="hanako", order_ids=ids, payload=payload))
    await deliver(storage, *new)
    await deliver(storage, build_delivery(99, member_id="taro"))
    await asyncio.to_thread(run_sql, url, "ANALYZE")
    assert await asyncio.to_thread(find)
    assert (await erase(storage.store, "hanako")).deliveries == 50
    await asyncio.to_thread(run_sql, url, "VACUUM")
    assert not await storage.store.scrub(timeout_s=1)
    assert await asyncio.to_thread(find), "a vacuum is enough"

    with connect_snapshot(url) as reader:
        reader.execute(text("SELECT 1"))
        rewritten = storage.store.scrub(timeout_s=0.1, rewrite=TABLES_WITH_BUYERS_DATA)
        assert await rewritten is True  # the reader began after the erasure
    assert await asyncio.to_thread(find) == set()


@pytest.mark.postgres
async def test_an_older_reader_of_postgresql_prevents_an_erasure(url, storage):
    if url.startswith("sqlite"):
        return
    await store_full_order(storage, build_full_order(1, member="hanako", payload=SECRET))
    with connect_snapshot(url) as reader:
        reader.execute(text("SELECT 1 FROM alembic_version"))
        await erase(storage.store, "hanako")
        assert not await storage.store.scrub(timeout_s=0.1, rewrite=TABLES_WITH_BUYERS_DATA)
    assert await storage.store.scrub(timeout_s=5, rewrite=TABLES_WITH_BUYERS_DATA)


@contextmanager
def connect_snapshot(url):
    """Yield a connection whose reads all see the state of the first one."""
    engine = create_engine(parse_url(url), isolation_level="REPEATABLE READ", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def run_sql(url, statement):
    """Run a statement outside a transaction."""
    engine = create_engine(parse_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
