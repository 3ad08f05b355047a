"""A Redis that cannot be used: the log line and `check` say the setting and the cause, and no value."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import structlog

from services.adapter.gateway import redis_client
from services.adapter.gateway.redis_client import RedisClient
from services.adapter.gateway.redis_errors import RedisUnavailable
from tests.support.certificates import CertificateAuthority
from tests.support.ports import reserve_ports

pytestmark = pytest.mark.redis

TIMEOUT_S = 10
ACL = """
user default on >hush ~* +@all
user poor on >hush ~* +ping +hello +client
"""
CAUSES = {
    "no password": ("redis://127.0.0.1:{port}/0", "it requires a password"),
    "wrong password": ("redis://:hushhush@127.0.0.1:{port}/0", "it rejects the user or the password"),
    "unknown user": ("redis://nobody:hush@127.0.0.1:{port}/0", "it rejects the user or the password"),
    "no right": ("redis://poor:hush@127.0.0.1:{port}/0", "its user lacks a right"),
    "no database": ("redis://:hush@127.0.0.1:{port}/99", "the number of its database is not valid"),
    "used up": ("redis://:hush@127.0.0.1:{full}/0", "it has no connection left"),
    "DNS": ("redis://no-such-host.invalid:6379/0", "the name of its host cannot be resolved"),
    "closed port": ("redis://127.0.0.1:{closed}/0", "nothing listens on its host and port"),
    "no socket": ("unix:///nowhere/redis.sock", "its Unix socket does not exist"),
    "silent": ("redis://127.0.0.1:{silent}/0", "it does not respond in time"),
    "untrusted CA": (
        "rediss://:hush@127.0.0.1:{tls}/0?ssl_ca_certs={other_ca}",
        "its certificate is not trusted",
    ),
    "other host": (
        "rediss://:hush@127.0.0.2:{tls}/0?ssl_ca_certs={ca}",
        "its certificate is for another host",
    ),
    "no TLS": ("redis://:hush@127.0.0.1:{tls}/0", "it closed the connection (with or without TLS?)"),
}


@contextmanager
def start_redis(*arguments: str | Path, port: int) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603 # our own arguments
        ["redis-server", *arguments, "--save", ""],  # noqa: S607 # wherever it is installed
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
        yield
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str | int]]:
    folder = tmp_path_factory.mktemp("redis")
    authority = CertificateAuthority()
    authority.issue().write(folder)
    (folder / "ca").write_bytes(authority.cert)
    (folder / "other").write_bytes(CertificateAuthority("other").cert)
    (folder / "acl").write_text(ACL)
    port, full, tls, closed = reserve_ports(4)
    certificate = (
        "--tls-cert-file",
        folder / "cert",
        "--tls-key-file",
        folder / "key",
        "--tls-auth-clients",
        "no",
    )
    with (
        start_redis("--port", str(port), "--aclfile", folder / "acl", port=port),
        start_redis("--port", str(full), "--maxclients", "1", port=full),
        start_redis(
            "--port", "0", "--tls-port", str(tls), "--bind", "127.0.0.1", "127.0.0.2", *certificate, port=tls
        ),
        closing(socket.create_server(("127.0.0.1", 0))) as silent,
        closing(socket.create_connection(("127.0.0.1", full))) as only_client,
    ):
        only_client.sendall(b"PING\r\n")
        assert only_client.recv(16)
        yield {
            "port": port,
            "full": full,
            "tls": tls,
            "closed": closed,
            "silent": silent.getsockname()[1],
            "ca": str(folder / "ca"),
            "other_ca": str(folder / "other"),
        }


@pytest.fixture(params=[*CAUSES.values()], ids=[*CAUSES])
def case(request, values) -> tuple[str, str]:
    url, cause = request.param
    return url.format(**values), cause


def assert_tells_no_value(text: str) -> None:
    for value in ("hush", "127.0.0", "no-such-host", "/nowhere", "poor", "nobody"):
        assert value not in text


async def test_the_log_line(case, monkeypatch):
    monkeypatch.setattr(redis_client, "TIMEOUT_S", 2.0)  # else a slow machine is too slow for TLS
    url, cause = case
    redis = RedisClient(url, "1000000")
    with structlog.testing.capture_logs() as logs, pytest.raises(RedisUnavailable):
        await redis.execute(lambda client: client.get(redis.key("x")))
    await redis.close()
    (line,) = logs
    expected = {"event": "redis_failed", "cause": cause, "setting": "NATIONALSITE_REDIS_URL"}
    assert {**line, **expected} == line
    assert_tells_no_value(str(line))


async def test_the_check(case):
    url, cause = case
    redis = RedisClient(url, "1000000")
    problem = await redis.find_problem(2.0)
    await redis.close()
    assert problem == f"{cause} (NATIONALSITE_REDIS_URL)"


async def test_the_check_of_a_usable_redis(values):
    redis = RedisClient(f"redis://:hush@127.0.0.1:{values['port']}/0", "1000000")
    assert await redis.find_problem(TIMEOUT_S) == ""
    await redis.close()
