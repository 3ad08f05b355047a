"""Redis with TLS: its certificate is verified with the authorities of the URL (docs/operations.md)."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.adapter.gateway.redis_client import RedisClient
from services.adapter.gateway.redis_errors import RedisUnavailable
from tests.support.certificates import CertificateAuthority
from tests.support.polling import wait_until
from tests.support.ports import reserve_ports

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port of a Redis, and the folder with the authorities `ca` and `other`."""
    folder = tmp_path_factory.mktemp("tls")
    authority = CertificateAuthority()
    authority.issue().write(folder)
    (folder / "ca").write_bytes(authority.cert)
    (folder / "other").write_bytes(CertificateAuthority("other").cert)
    (port,) = reserve_ports(1)
    options = {
        "port": "0",
        "tls-port": str(port),
        "tls-cert-file": str(folder / "cert"),
        "tls-key-file": str(folder / "key"),
        "tls-ca-cert-file": str(folder / "ca"),
        "tls-auth-clients": "no",
        "save": "",
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    process = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL)  # noqa: S603, S607 # wherever it is installed
    try:
        wait_until(lambda: is_listening(port))
        yield port, folder
    finally:
        process.terminate()
        process.wait()


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def ping(url: str) -> bool:
    client = RedisClient(url, "1000000")
    try:
        return bool(await client.execute(Redis.ping))
    finally:
        await client.close()


async def test_a_trusted_certificate(server: tuple[int, Path]) -> None:
    port, folder = server
    assert await ping(f"rediss://localhost:{port}/0?ssl_ca_certs={folder / 'ca'}")


async def test_a_certificate_that_is_not_trusted(server: tuple[int, Path]) -> None:
    port, folder = server
    for url in (
        f"rediss://localhost:{port}/0?ssl_ca_certs={folder / 'other'}",
        f"rediss://localhost:{port}/0",
    ):
        with pytest.raises(RedisUnavailable):
            await ping(url)
