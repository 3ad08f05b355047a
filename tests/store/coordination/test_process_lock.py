"""One process at a time serves from a SQLite file; PostgreSQL is shared."""

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

TIMEOUT_S = 60


REJECTION = (
    "another process serves from this SQLite store, and only one may: use PostgreSQL for several replicas"
)


GATEWAY_URL = "http://127.0.0.1:9"  # the gateway is not called here


@pytest.fixture
def database_file(tmp_path) -> Path:
    return tmp_path / "new" / "store.db"


def build_url(database_file: Path) -> str:
    return f"sqlite+aiosqlite:///{database_file}"


def run_second(module: str, database_file: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    settings = {
        **SANDBOX_APP,
        "NATIONALSITE_DATABASE_URL": build_url(database_file),
        "NATIONALSITE_GATEWAY_URL": GATEWAY_URL,
        **{f"NATIONALSITE_{name}LISTEN": "127.0.0.1:0" for name in ("", "HTTP_", "CALLBACK_")},
    }
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("NATIONALSITE_")}
    return subprocess.run(  # noqa: S603 # our own module
        [sys.executable, "-m", f"services.{module}", *arguments],
        cwd=ROOT,
        env=inherited | settings,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("service", ["order_sync", "account"])
def test_a_second_process_on_the_same_file_does_not_start(service, database_file):
    store = {"NATIONALSITE_DATABASE_URL": build_url(database_file)}
    first = start_service(service, GATEWAY_URL, store, log=f"process-lock-{service}")
    try:
        second = run_second(service, database_file)
        assert (second.returncode, second.stderr) == (2, f"NATIONALSITE_DATABASE_URL: {REJECTION}\n")
        assert run_second(service, database_file, "migrate").returncode == 0  # commands do not take the lock
        with sqlite3.connect(database_file) as reader:  # nor does a backup
            assert reader.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
        reader.close()
    finally:
        kill(first)
    # However the first one ended, the next one starts.
    third = start_service(service, GATEWAY_URL, store, log=f"process-lock-{service}")
    assert stop(third) == 0


async def test_the_lock_is_released(database_file):
    for _ in range(2):
        async with single_process_lock(build_url(database_file)):
            with pytest.raises(StartupError, match=REJECTION):
                async with single_process_lock(build_url(database_file)):
                    pass
    assert database_file.with_name("store.db-lock").stat().st_mode & 0o777 == 0o600


async def test_each_file_has_its_own_lock(tmp_path):
    async with (
        single_process_lock(build_url(tmp_path / "a.db")),
        single_process_lock(build_url(tmp_path / "b.db")),
    ):
        await asyncio.sleep(0)


async def test_postgresql_needs_no_lock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    url = "postgresql+psycopg://user:password@host/name"
    async with single_process_lock(url), single_process_lock(url):
        assert list(tmp_path.iterdir()) == []


async def test_an_unwritable_directory_raises_startup_error():
    with pytest.raises(StartupError, match="the store cannot be opened: "):
        async with single_process_lock("sqlite+aiosqlite:////dev/null/store.db"):
            pass
