"""A service imports only what its settings need: the rest would take time and memory at each start."""

import re
from pathlib import Path

import pytest

from services.store import migrate
from tools.local_stack import start_service, stop

GATEWAY_URL = "http://127.0.0.1:9"  # the gateway is not called here
NEEDED_FOR = {
    "PIL": "images, in processes of their own",
    "alembic": "a schema that is not current",
    "cryptography": "TLS",
    "opentelemetry.exporter": "a collector of traces",
    "opentelemetry.sdk": "a collector of traces",
    "psycopg": "PostgreSQL",
    "redis": "Redis",
    "requests": "a collector of traces",
    "services.adapter.cli": "the adapter command line",
    "services.sandbox": "the sandbox",
    "starlette": "the sandbox",
    "tests": "tests",
    "tools": "development",
    "uvicorn": "the sandbox",
}
"""Package -> what it is imported for. With default settings, a service imports none of them."""
OF_OTHERS = {
    "product": (
        "nationalsite.account",
        "nationalsite.ordersync",
        "nationalsite.replay",
        "services.store",
        "sqlalchemy",
    ),
    "order_sync": ("nationalsite.account", "nationalsite.product"),
    "account": ("nationalsite.ordersync", "nationalsite.product", "nationalsite.replay"),
}
"""Service -> what only other services need."""
_IMPORTED = re.compile(r"^import time: +\d+ \| +\d+ \| +(\S+)$", re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("service", sorted(OF_OTHERS))
def test_a_service_imports_only_what_its_settings_need(service: str, tmp_path: Path) -> None:
    settings = {"PYTHONPROFILEIMPORTTIME": "1"}
    if service != "product":
        settings["NATIONALSITE_DATABASE_URL"] = f"sqlite+aiosqlite:///{tmp_path}/store.db"
        migrate(settings["NATIONALSITE_DATABASE_URL"])
    running = start_service(service, GATEWAY_URL, settings, log=f"imports-{service}")
    assert stop(running) == 0
    imported = set(_IMPORTED.findall(running.log.read_text()))
    assert {"grpc.aio", f"services.{service}.service"} <= imported
    assert imported.isdisjoint(NEEDED_FOR.keys() | OF_OTHERS[service])
