"""The CronJob of deploy/components/backup: what its command dumps can be restored."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.deploy import checks
from tests.deploy.kustomize import OVERLAYS, filter_kind, render
from tests.support.postgres import PostgresServer, postgres_server

pytestmark = pytest.mark.deploy

OLD_S = 40 * 86_400


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


def run_backup(directory: Path, url: str, backup_url: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command of the CronJob, with other paths. `backup_url` is the optional one of the Secret."""
    (job,) = filter_kind(render(OVERLAYS / "backup" / "order-sync"), "CronJob")
    container = checks.only_container(job)
    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    secret, backup_secret = (directory.parent / name for name in ("database-url", "backup-database-url"))
    secret.write_text(url)
    if backup_url:
        backup_secret.write_text(backup_url)
    assert variables.keys() == {
        "DATABASE_URL_FILE",
        "BACKUP_DATABASE_URL_FILE",
        "BACKUP_DIRECTORY",
        "BACKUP_KEEP_DAYS",
    }
    variables |= {
        "DATABASE_URL_FILE": str(secret),
        "BACKUP_DATABASE_URL_FILE": str(backup_secret),
        "BACKUP_DIRECTORY": str(directory),
    }
    return subprocess.run(  # noqa: S603 # the command of our own manifest
        container["command"],
        env={"PATH": os.environ["PATH"]} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def read_names(server: PostgresServer, database: str) -> list[str]:
    sockets = server.url().partition("host=")[2]
    with psycopg.connect(host=sockets, user="test", dbname=database) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM orders ORDER BY name")]


def test_a_dump_can_be_restored_and_old_ones_are_deleted(server: PostgresServer, tmp_path: Path) -> None:
    sockets = server.url().partition("host=")[2]
    with psycopg.connect(host=sockets, user="test", dbname="postgres", autocommit=True) as connection:
        for name in ("original", "restored"):
            connection.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(host=sockets, user="test", dbname="original") as connection:
        connection.execute("CREATE TABLE orders (name text)")
        connection.execute("INSERT INTO orders VALUES ('神南'), ('a')")
    directory = tmp_path / "backup"
    directory.mkdir()
    for name, age_s in (("old.dump", OLD_S), ("recent.dump", 60), ("old.dump.part", OLD_S)):
        file = directory / name
        file.touch()
        os.utime(file, (file.stat().st_mtime - age_s,) * 2)

    finished = run_backup(directory, server.url("original"))

    assert finished.returncode == 0, finished.stderr
    (dump,) = directory.glob("20*.dump")
    assert dump.stat().st_mode & 0o077 == 0
    assert {file.name for file in directory.iterdir()} == {dump.name, "recent.dump"}
    target = server.url("restored").replace("+psycopg", "")
    subprocess.run(  # noqa: S603 # PostgreSQL's own program
        ["pg_restore", "--exit-on-error", f"--dbname={target}", dump],  # noqa: S607 # in PATH
        check=True,
    )
    assert read_names(server, "restored") == read_names(server, "original") == ["a", "神南"]


def test_a_failed_dump_fails_the_job_and_deletes_nothing(server: PostgresServer, tmp_path: Path) -> None:
    directory = tmp_path / "backup"
    directory.mkdir()
    old = directory / "old.dump"
    old.touch()
    os.utime(old, (old.stat().st_mtime - OLD_S,) * 2)
    finished = run_backup(directory, server.url("missing"))
    assert finished.returncode != 0
    assert 'database "missing" does not exist' in finished.stderr
    assert [file.name for file in directory.glob("*.dump")] == ["old.dump"]


def test_the_url_of_the_backup_is_used_if_there_is_one(server: PostgresServer, tmp_path: Path) -> None:
    """That of the services may lead to a pooler, whose other clients would get the settings of pg_dump."""
    directory = tmp_path / "backup"
    directory.mkdir()
    finished = run_backup(directory, server.url("missing"), backup_url=server.url("postgres"))
    assert finished.returncode == 0, finished.stderr
    assert len(list(directory.glob("20*.dump"))) == 1
