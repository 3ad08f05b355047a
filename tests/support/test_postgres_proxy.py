"""The proxy forwards everything, and cuts a connection before or after the COMMIT of a chosen transaction."""

from collections.abc import Iterator, Sequence

import psycopg
import pytest

from tests.support.postgres import postgres_server
from tests.support.postgres_proxy import Cut, PostgresProxy, postgres_proxy

pytestmark = pytest.mark.postgres

ROUNDS = 10
"""More than five: then psycopg prepares its statements, and no longer sends their text."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres_server() as server:
        yield server.url().replace("+psycopg", "")


@pytest.fixture
def proxy(url: str) -> Iterator[PostgresProxy]:
    with postgres_proxy(url) as proxy:
        yield proxy


def count_rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM numbers").fetchone()[0]


@pytest.fixture
def connection(url: str, proxy: PostgresProxy) -> Iterator["psycopg.Connection"]:
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS numbers")
        connection.execute("CREATE TABLE numbers (number integer, text text)")
    connection = psycopg.connect(proxy.url(url))
    yield connection
    connection.close()


def insert(connection: "psycopg.Connection", number: int) -> None:
    connection.execute("INSERT INTO numbers VALUES (%s, %s)", (number, "x" * 100_000))
    connection.commit()


def test_everything_is_forwarded(url, connection):
    for number in range(ROUNDS):
        insert(connection, number)
    rows = connection.execute("SELECT number, length(text) FROM numbers ORDER BY number").fetchall()
    assert rows == [(number, 100_000) for number in range(ROUNDS)]
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM nothing")


@pytest.mark.parametrize(("cut", "rows"), [(Cut.BEFORE, ROUNDS), (Cut.AFTER, ROUNDS + 1)])
def test_a_connection_is_cut(cut, rows, url, proxy, connection):
    transactions = []

    def choose(statements: Sequence[str]) -> Cut | None:
        transactions.append(list(statements))
        return cut if len(transactions) > ROUNDS else None

    proxy.choose_cut = choose
    for number in range(ROUNDS):
        insert(connection, number)
    with pytest.raises(psycopg.OperationalError):
        insert(connection, ROUNDS)
    assert transactions == [["INSERT INTO numbers VALUES ($1, $2)"]] * (ROUNDS + 1)
    assert proxy.cuts == 1
    # The server has noticed the cut when the next transaction gets its lock.
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE numbers IN ACCESS EXCLUSIVE MODE")
    assert count_rows(url) == rows


def test_a_cut_connection_does_not_affect_others(url, proxy, connection):
    proxy.choose_cut = lambda statements: Cut.AFTER if len(statements) == 2 else None
    with psycopg.connect(proxy.url(url)) as other:
        connection.execute("SELECT 1")
        connection.execute("SELECT 2")
        with pytest.raises(psycopg.OperationalError):
            connection.commit()
        insert(other, 1)
    assert count_rows(url) == 1
