"""Pods are started as the rendered manifests say, in a cluster of one node."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from services.store import RelayConfig
from tests.deploy.cluster import CALLER_SECRET
from tests.deploy.kustomize import ROOT
from tests.support.certificates import CertificateAuthority
from tests.support.postgres import postgres_server
from tests.support.redis_server import redis_server

pytestmark = pytest.mark.deploy

TIMEOUT_S = 240
SERVICES = {"product", "order-sync", "account"}
DELAY_S, GRACE_S = 5, 25


def run_scenario(scenario: str, directory: Path, secrets: object = None, host_mounts: object = None) -> dict:
    """Run a scenario in a network namespace of its own; return its results."""
    assert os.geteuid() == 0, "this test starts containers: run it as root"
    arguments = [scenario, str(directory), json.dumps(secrets or {}), json.dumps(host_mounts or [])]
    finished = subprocess.run(  # noqa: S603 # our own module
        ["unshare", "--net", sys.executable, "-m", "tests.deploy.cluster", *arguments],  # noqa: S607 # util-linux
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def tls_secret(authority: CertificateAuthority, *uris: str) -> dict[str, str]:
    """Return a Secret as cert-manager writes it."""
    pair = authority.issue(*uris)
    files = {"tls.crt": pair.cert, "tls.key": pair.key, "ca.crt": authority.cert}
    return {name: content.decode() for name, content in files.items()}


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> dict:
    return run_scenario("local", tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def production(tmp_path_factory) -> dict:
    """With PostgreSQL and Redis outside the cluster, and an unreachable gateway."""
    with postgres_server() as server, redis_server() as redis:
        sockets = server.url().partition("host=")[2]
        with psycopg.connect(host=sockets, user="test", dbname="postgres", autocommit=True) as connection:
            for name in ("order_sync", "account"):
                connection.execute(f"CREATE DATABASE {name}")
        shared = {"app-secret": "made-up-secret", "refresh-token": "made-up-token", "redis-url": redis.url}
        secrets = {
            "product": shared,
            "order-sync": shared | {"database-url": server.url("order_sync")},
            "account": shared | {"database-url": server.url("account")},
        }
        authority = CertificateAuthority()
        secrets |= {f"{name}-tls": tls_secret(authority) for name in SERVICES}
        secrets[CALLER_SECRET] = tls_secret(authority, "spiffe://shop.jp/ns/web/sa/shop")
        redis_directory = Path(redis.url.removeprefix("unix://")).parent
        for directory, socket in ((Path(sockets), ".s.PGSQL.5432"), (redis_directory, "redis.sock")):
            directory.chmod(0o755)  # so that the services' user can connect
            (directory / socket).chmod(0o777)
        return run_scenario(
            "production", tmp_path_factory.mktemp("production"), secrets, [sockets, str(redis_directory)]
        )


@pytest.fixture(params=["local", "production"])
def any_environment(request) -> dict:
    return request.getfixturevalue(request.param)


def test_every_pod_becomes_ready(any_environment, report):
    assert any_environment["ready_s"].keys() >= SERVICES
    report(f"ready after (s): {any_environment['ready_s']}")


def test_services_are_called_and_call_1688(local):
    assert local["answers"]["product"]["offers"]
    assert local["answers"]["order-sync"] == {"results": [{"status": {}}]}
    assert local["answers"]["account"] == {}


def test_messages_arrive_through_the_callback(local):
    assert local["messages"] == 3


def test_a_second_replica_on_sqlite_is_refused(local):
    assert local["second"]["exit_code"] == 2
    assert (
        "\nNATIONALSITE_DATABASE_URL: another process serves from this SQLite store" in local["second"]["log"]
    )


def test_memory_is_close_to_the_request(local, report):
    assert local["memory"]["used"].keys() >= SERVICES
    for service, seen in local["memory"]["used"].items():
        assert 0.4 * seen["requested"] < seen["mib"] < seen["requested"], service
        report(f"{service}: {seen['mib']} MiB of {seen['requested']:.0f} requested, {seen['cpu_s']} s of CPU")


def test_the_longest_shutdown_is_within_the_grace_period(local, report):
    """All calls and a delivery hang at 1688, so every wait takes its maximum."""
    assert local["ended"].keys() >= SERVICES
    for service, end in local["ended"].items():
        assert end["exit_code"] == 0
        assert DELAY_S + GRACE_S <= end["took_s"] < end["grace_s"] - 5, service
        report(
            f"{service}: ended {end['took_s']} s after SIGTERM with all calls hanging, of {end['grace_s']} s"
        )
    assert local["ended"]["order-sync"]["grace_s"] > DELAY_S + GRACE_S + RelayConfig().shutdown_grace_s
    assert set(local["in_flight"]) <= {
        "UNAVAILABLE",
        "UNKNOWN",
    }  # a status of the service, not a lost connection


def test_a_service_does_not_start_without_migrations(production):
    assert production["early"]["exit_code"] == 2
    assert "run the command `migrate` first" in production["early"]["log"]


def test_the_migrations_run(production):
    assert production["migrated"] == {
        name: {"exit_code": 0, "log": ""} for name in ("order-sync-migrate", "account-migrate")
    }


def test_services_work_on_postgresql(production):
    assert production["subscribed"] == {}


def test_an_idle_pod_does_not_wait_for_the_grace_period(production, report):
    assert production["ended"].keys() >= SERVICES
    for service, end in production["ended"].items():
        assert end["exit_code"] == 0
        # The export of its last spans has 5 s more, and no collector is there.
        assert DELAY_S <= end["took_s"] < DELAY_S + GRACE_S, service
        report(f"{service}: idle, it ended {end['took_s']} s after SIGTERM")
