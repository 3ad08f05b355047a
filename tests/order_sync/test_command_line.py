"""`python -m services.order_sync migrate` and `erase`, as an operator runs them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.errors import NoFullSync
from services.store import (
    FullOrder,
    FullOrderKind,
    IncomingMessage,
    NewDelivery,
    SubscriptionName,
    run_command,
    storage_lifespan,
)
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


async def test_a_new_store_is_made_and_a_buyer_erased_from_it(run: Run, url: str) -> None:
    migrated = run("migrate")
    assert (migrated.returncode, migrated.stdout, migrated.stderr) == (0, "", "")
    async with storage_lifespan(url) as storage:
        await storage.full_orders.put(full("1", "hanako"))
        await storage.full_orders.put(full("2", "taro"))
        await storage.deliveries.enqueue(pending("hanako"))
        await storage.dispatcher.lease(SUBSCRIPTION, limit=1, lease_s=10, wait_s=0)
        await storage.inbox.store([message(1, "hanako"), message(2, "b2b-1")])

    erased = run("erase", "--member-id", "hanako")

    assert (erased.returncode, erased.stderr) == (0, "")
    assert json.loads(erased.stdout) == {
        "full_orders": 1,
        "deliveries": 0,
        "messages": 1,
        "pending_deliveries": 1,
    }
    async with storage_lifespan(url) as storage:
        await storage.full_orders.get(FullOrderKind.ORDER, "2")
        with pytest.raises(NoFullSync):
            await storage.full_orders.get(FullOrderKind.ORDER, "1")
        leased = await storage.dispatcher.lease(SUBSCRIPTION, limit=10, lease_s=10, wait_s=0)
        assert [message.message_id for message in leased] == ["2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["erase"], "the following arguments are required: --member-id"),
        (["serve"], "invalid choice: 'serve'"),
    ],
    ids=["no member", "no command"],
)
def test_wrong_arguments(
    arguments: list[str], message: str, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command("python -m services.order_sync", arguments, url)
    result = capsys.readouterr()
    assert (ended.value.code, result.out) == (2, "")
    assert result.err.startswith("usage: python -m services.order_sync ")
    assert message in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "url", "message"),
    [
        (["migrate"], "sqlite+aiosqlite:////dev/null/store.db", "the store cannot be opened: "),
        (["erase", "--member-id", "1"], "mysql://user:secret@localhost/db", "NATIONALSITE_DATABASE_URL: "),
    ],
    ids=["no directory", "no store of ours"],
)
def test_a_store_that_cannot_be_opened(arguments: list[str], message: str, run: Run) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(message)
    assert "secret" not in line
