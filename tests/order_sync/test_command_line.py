"""`python -m services.order_sync migrate` and `erase`, as an operator runs them."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from nationalsite.ordersync import v1 as protos

from services.errors import NoFullSync
from services.store import (
    FullOrder,
    FullOrderKey,
    FullOrderKind,
    IdempotentRequest,
    IncomingMessage,
    NewDelivery,
    Started,
    Storage,
    SubscriptionName,
    SubscriptionSpec,
    Succeeded,
    UnknownOutcome,
    add_commands,
    migrate,
    run_command,
    storage_lifespan,
)
from services.store.idempotency.keys import NotExecutedOutcome
from tests.store.factories import read_full_order, store_full_order
from tools.local_stack import ROOT

Run = Callable[..., "subprocess.CompletedProcess[str]"]
WITHIN_S = 60
SUBSCRIPTION = SubscriptionName(caller="", name="orders")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'new' / 'store.db'}"


@pytest.fixture
def run(url: str) -> Run:
    """run(*arguments): nothing of the gateway is set, which only serving needs."""

    def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("NATIONALSITE_")}
        return subprocess.run(  # noqa: S603 # our own module
            [sys.executable, "-m", "services.order_sync", *arguments],
            cwd=ROOT,
            env=inherited | {"NATIONALSITE_DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )

    return command


def full(national_order_id: str, member_id: str) -> FullOrder:
    return FullOrder(
        kind=FullOrderKind.ORDER,
        id=national_order_id,
        national_order_id=national_order_id,
        member_id=member_id,
        payload=b"full",
    )


def message(number: int, member_id: str) -> IncomingMessage:
    raw = b'{"msgId":%d}' % number
    return IncomingMessage(
        message_id=str(number), topic="PAY", ordering_key=None, event_time_ms=1, member_id=member_id, raw=raw
    )


def pending(member_id: str) -> NewDelivery:
    return NewDelivery(
        caller="",
        request_id="r1",
        content_hash=b"hash",
        rpc="SyncOrder",
        payload=b"full",
        ordering_key="k1",
        member_id=member_id,
    )


@pytest.mark.slow
async def test_a_new_store_is_made_and_a_buyer_erased_from_it(run: Run, url: str) -> None:
    migrated = run("migrate")
    assert (migrated.returncode, migrated.stdout, migrated.stderr) == (0, "", "")
    async with storage_lifespan(url) as storage:
        await store_full_order(storage, full("1", "hanako"))
        await store_full_order(storage, full("2", "taro"))
        await storage.deliveries.enqueue(pending("hanako"))
        await storage.subscriptions.open(SUBSCRIPTION, SubscriptionSpec())
        await storage.inbox.store([message(1, "hanako"), message(2, "b2b-1")])

    erased = run("erase", "--member-id", "hanako")

    assert erased.returncode == 3
    assert erased.stderr.startswith("not complete: pending deliveries are not erased")
    assert json.loads(erased.stdout) == {
        "full_orders": 1,
        "deliveries": 0,
        "messages": 1,
        "pending_deliveries": 1,
    }
    async with storage_lifespan(url) as storage:
        await read_full_order(storage, FullOrderKey(kind=FullOrderKind.ORDER, id="2"))
        with pytest.raises(NoFullSync):
            await read_full_order(storage, FullOrderKey(kind=FullOrderKind.ORDER, id="1"))
        subscription_id = await storage.subscriptions.open(SUBSCRIPTION)
        leased = await storage.dispatcher.lease(subscription_id, limit=10, lease_s=10, wait_s=0)
        assert [received.message.message_id for received in leased] == ["2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["erase"], "the following arguments are required: --member-id"),
        (["serve"], "invalid choice: 'serve'"),
        (["creations", "list"], "invalid choice: 'creations'"),
    ],
    ids=["no member", "no command", "a command of another service"],
)
def test_wrong_arguments(
    arguments: list[str], message: str, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser("python -m services.order_sync")
    add_commands(parser, has_creations=False)
    with pytest.raises(SystemExit) as ended:
        run_command(parser.parse_args(arguments), url)
    result = capsys.readouterr()
    assert (ended.value.code, result.out) == (2, "")
    assert result.err.startswith("usage: python -m services.order_sync ")
    assert message in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "url", "message"),
    [
        (
            ["migrate"],
            "sqlite+aiosqlite:////dev/null/store.db",
            "the store cannot be opened: Not a directory",
        ),
        (
            ["erase", "--member-id", "1"],
            "mysql://user:secret@localhost/db",
            "the store's URL must begin with ",
        ),
    ],
    ids=["no directory", "no store of ours"],
)
def test_a_store_that_cannot_be_opened(arguments: list[str], message: str, run: Run) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"NATIONALSITE_DATABASE_URL: {message}")
    assert "secret" not in line


RPC = "nationalsite.ordersync.v1.OrderSyncService/CreatePurchaseOrders"


async def start_creation(
    storage: Storage, number: int
) -> Started | Succeeded | UnknownOutcome | NotExecutedOutcome:
    request = IdempotentRequest(
        caller="shop",
        rpc=RPC,
        request_id=f"request-{number}",
        content_hash=b"hash",
        resource_id=f"site-{number}",
    )
    return await storage.idempotency_keys.start(request, lease_s=30, is_idempotent=False)


async def store_unknown_creations(url: str, *numbers: int) -> None:
    """Store creations whose outcomes are unknown, with the ids `site-N` and `request-N`."""
    async with storage_lifespan(url) as storage:
        for number in numbers:
            started = await start_creation(storage, number)
            assert isinstance(started, Started)
            await storage.idempotency_keys.record_unknown(started)


async def repeat(url: str, number: int) -> Started | Succeeded | UnknownOutcome | NotExecutedOutcome:
    async with storage_lifespan(url) as storage:
        return await start_creation(storage, number)


@pytest.mark.slow
async def test_an_operator_resolves_unknown_creations(run: Run, url: str) -> None:
    migrate(url)
    await store_unknown_creations(url, 1, 2)
    listed = run("creations", "list")
    assert (listed.returncode, listed.stderr) == (0, "")
    creations = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [(creation["out_order_id"], creation["request_id"]) for creation in creations] == [
        ("site-1", "request-1"),
        ("site-2", "request-2"),
    ]

    found = run("creations", "resolve", "--out-order-id", "site-1", "--order-id", "12", "--order-id", "11")
    assert (found.returncode, found.stderr) == (0, "")
    assert "retries of this call return 2 orders" in found.stdout
    outcome = await repeat(url, 1)
    assert isinstance(outcome, Succeeded)
    response = protos.CreatePurchaseOrdersResponse.FromString(outcome.response)
    assert [order.cbu_order_id for order in response.purchase_orders] == [11, 12]
    assert response.found_by_search

    none = run("creations", "resolve", "--out-order-id", "site-2", "--not-executed")
    assert none.returncode == 0
    assert "fail with NOT_EXECUTED" in none.stdout
    assert await repeat(url, 2) == NotExecutedOutcome()
    assert run("creations", "list").stdout == ""

    again = run("creations", "resolve", "--out-order-id", "site-1", "--not-executed")
    assert again.returncode == 1
    assert "no creation with this out_order_id has an unknown outcome" in again.stdout
