"""The first log line of a service says with what it works, without a credential."""

from contextlib import suppress

import pytest
import structlog

from services.account.service import ACCOUNT
from services.errors import StartupError
from services.order_sync.service import ORDER_SYNC
from services.product.service import PRODUCT
from services.server import ServiceDefinition, serve

SETTINGS = {
    "access_token": "hush",
    "allow_unauthenticated_callers": True,
    "app_key": "1000000",
    "app_secret": "hush",
    "callback_listen": "127.0.0.1:0",
    "dialect": "open-platform",
    "dialects": '{"GetCategory": "national-site"}',
    "gateway_url": "https://gw.example.com/base",
    "http_listen": "127.0.0.1:0",
    "listen": "127.0.0.1:0",
}
GATEWAY = {
    "dialect": "open-platform",
    "dialects": {"GetCategory": "national-site"},
    "gateway": "https://gw.example.com/base",
    "token": "access token",
}
PG = "postgresql+psycopg"
STORES = {
    f"{PG}://user:hush@127.0.0.1:9/orders?sslmode=require&password=hush": "postgresql://127.0.0.1:9/orders",
    f"{PG}://user:hush@/orders?host=/nowhere&passfile=hush": "postgresql:///orders?host=/nowhere",
}


async def find_first_line(service: ServiceDefinition, logs: list[dict[str, object]], **settings: object):
    with suppress(StartupError):  # the database cannot be reached: the line is logged before that
        async with serve(service, service.settings.model_validate(SETTINGS | settings)):
            pass
    return logs[0]


@pytest.fixture
def logs():
    with structlog.testing.capture_logs() as logs:
        yield logs


async def test_a_service_without_a_store(logs):
    redis = "rediss://user:hush@cache.example.com:6380/1?password=hush"
    line = await find_first_line(PRODUCT, logs, redis_url=redis)
    expected = GATEWAY | {"event": "starting", "redis": "rediss://cache.example.com:6380/1"}
    assert {name: line.get(name) for name in expected} == expected
    assert "store" not in line
    assert "hush" not in str(logs)


@pytest.mark.parametrize("service", [ACCOUNT, ORDER_SYNC])
@pytest.mark.parametrize(("url", "store"), STORES.items())
async def test_a_service_with_a_store(logs, service, url, store):
    line = await find_first_line(service, logs, database_url=url)
    expected = GATEWAY | {"event": "starting", "store": store, "redis": "none"}
    assert {name: line.get(name) for name in expected} == expected
    assert "hush" not in str(logs)


async def test_the_file_of_sqlite(logs, tmp_path):
    line = await find_first_line(ACCOUNT, logs, database_url=f"sqlite+aiosqlite:///{tmp_path}/store.db")
    assert line["store"] == f"sqlite:///{tmp_path}/store.db"
