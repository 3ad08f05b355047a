"""The hosts in the URL of a PostgreSQL store."""

import pytest

from services.errors import StartupError
from services.store.database.engine import parse_url

PREFIX = "postgresql+psycopg://"


@pytest.mark.parametrize(
    "url",
    [
        "u:p%2C%40w@a:5432,b,192.0.2.1:5433/name?sslmode=require",
        "u:p%2C%40w@/name?sslmode=require&host=a:5432&host=b&host=192.0.2.1:5433",
    ],
)
def test_several_hosts(url: str) -> None:
    _, arguments = (parsed := parse_url(PREFIX + url)).get_dialect()().create_connect_args(parsed)
    expected = {
        "host": "a,b,192.0.2.1",
        "port": "5432,,5433",
        "user": "u",
        "password": "p,@w",
        "dbname": "name",
    }
    assert expected.items() <= arguments.items()
    assert (arguments["sslmode"], arguments["target_session_attrs"]) == ("require", "read-write")


def test_a_chosen_kind_of_server_is_kept() -> None:
    url = f"{PREFIX}u@a,b/n?target_session_attrs=primary"
    assert parse_url(url).query["target_session_attrs"] == "primary"


@pytest.mark.parametrize("url", ["u:p,w@h/n", "u@h/n?options=-c a=1,2", "@/n?host=/a,b"])
def test_a_comma_elsewhere_separates_no_hosts(url: str) -> None:
    parsed = parse_url(PREFIX + url)
    assert (parsed.host or parsed.query["host"]) in {"h", "/a,b"}


@pytest.mark.parametrize("hosts", ["a:x,b:1", "a,b:", "a,", ",b", "[::1]:5432,b"])
def test_unreadable_hosts_are_refused_without_the_password(hosts: str) -> None:
    with pytest.raises(StartupError) as caught:
        parse_url(f"{PREFIX}u:secret@{hosts}/n")
    assert caught.value.lines == ("the store's URL cannot be read",)
