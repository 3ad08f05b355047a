"""One process a SQLite file; PostgreSQL takes as many as there are."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from services.errors import StartupError
from services.store import single_process_lock
from tools.local_stack import ROOT, SANDBOX_APP, kill, start_service, stop

WITHIN_S = 60
REFUSED = "another process serves from this SQLite store, which is for one: replicas share PostgreSQL"
NOWHERE = "http://127.0.0.1:9"  # nothing is asked of the gateway here


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "new" / "store.db"


def url_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def second(module: str, file: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    settings = {
        **SANDBOX_APP,
        "NATIONALSITE_DATABASE_URL": url_of(file),
        "NATIONALSITE_GATEWAY_URL": NOWHERE,
        **{f"NATIONALSITE_{name}LISTEN": "127.0.0.1:0" for name in ("", "HTTP_", "CALLBACK_")},
    }
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("NATIONALSITE_")}
    return subprocess.run(  # noqa: S603 # our own module
        [sys.executable, "-m", f"services.{module}", *arguments],
        cwd=ROOT,
        env=inherited | settings,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


@pytest.mark.parametrize("service", ["order_sync", pytest.param("account", marks=pytest.mark.slow)])
def test_a_second_process_on_the_same_file_does_not_start(service, file):
    store = {"NATIONALSITE_DATABASE_URL": url_of(file)}
    first = start_service(service, NOWHERE, store, log=f"sole-{service}")
    try:
        refused = second(service, file)
        assert (refused.returncode, refused.stderr) == (2, f"{REFUSED}\n")
        assert second(service, file, "migrate").returncode == 0  # an operator's command is no replica
        with sqlite3.connect(file) as looking:  # nor is a backup
            assert looking.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
        looking.close()
    finally:
        kill(first)
    # However the first one ended, the next one starts.
    again = start_service(service, NOWHERE, store, log=f"sole-{service}")
    assert stop(again) == 0


async def test_the_file_is_free_again(file):
    for _ in range(2):
        async with single_process_lock(url_of(file)):
            with pytest.raises(StartupError, match=REFUSED):
                async with single_process_lock(url_of(file)):
                    pass
    assert file.with_name("store.db-lock").stat().st_mode & 0o777 == 0o600


async def test_other_files_are_nobodys_business(tmp_path):
    async with single_process_lock(url_of(tmp_path / "a.db")), single_process_lock(url_of(tmp_path / "b.db")):
        await asyncio.sleep(0)


async def test_postgresql_is_shared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    url = "postgresql+psycopg://user:password@host/name"
    async with single_process_lock(url), single_process_lock(url):
        assert list(tmp_path.iterdir()) == []


async def test_a_place_that_cannot_be_written():
    with pytest.raises(StartupError, match="the store cannot be opened: "):
        async with single_process_lock("sqlite+aiosqlite:////dev/null/store.db"):
            pass
