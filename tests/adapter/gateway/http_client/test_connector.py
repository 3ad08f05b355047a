"""How connections are opened: names, addresses, TLS."""

import asyncio
import socket
import ssl

import pytest

from services.adapter.gateway import HttpTransport
from services.adapter.gateway.http_client.connector import ADDRESSES_TTL_S
from services.errors import ConnectError
from tests.support.certificates import CertificateAuthority


@pytest.fixture
def resolve_to(monkeypatch):
    """resolve_to(*addresses) has the loop resolve every name to them; returns the list of the names."""

    def prepare(*addresses):
        names = []

        async def getaddrinfo(host, _port, **_options):
            names.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
        return names

    return prepare


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_the_next_address_is_tried(peer, make_gateway, call, resolve_to):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        resolve_to(closed.getsockname(), ("127.0.0.1", peer.port))
        gateway = make_gateway(url="http://gateway.test")
        for _ in range(2):
            assert (await call(gateway)).value == {}


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_name_is_resolved_once_for_connections_at_the_same_time(
    peer, make_gateway, call, resolve_to, advance_time
):
    names = resolve_to(("127.0.0.1", peer.port))
    gateway = make_gateway(url="http://gateway.test")
    await asyncio.gather(*(call(gateway) for _ in range(5)))
    assert names == ["gateway.test"]
    advance_time(2 * ADDRESSES_TTL_S)
    await call(gateway)
    assert names == ["gateway.test"] * 2


@pytest.fixture
async def lookup(monkeypatch):
    """The result of each lookup of a name, a future that has none yet; and the list of the names."""
    loop = asyncio.get_running_loop()
    result, names = loop.create_future(), []

    async def getaddrinfo(host, _port, **_options):
        names.append(host)
        return list(await asyncio.shield(result))

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo, raising=False)
    return result, names


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_lookup_that_takes_longer_than_a_call_waits(peer, make_gateway, call, lookup):
    """If the first name server is down, each lookup takes 5 s. Its result must not be lost."""
    result, names = lookup
    gateway = make_gateway(url="http://gateway.test")
    for _ in range(2):
        with pytest.raises(ConnectError):
            await call(gateway, timeout_s=0.05)
    result.set_result([(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", peer.port))])
    assert (await call(gateway)).value == {}
    assert names == ["gateway.test"]


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_calls_share_a_lookup_that_fails(make_gateway, call, wait_until, lookup):
    result, names = lookup
    gateway = make_gateway(url="http://gateway.test")
    calls = [asyncio.create_task(call(gateway)) for _ in range(5)]
    await wait_until(lambda: gateway._transport._pool.in_use == len(calls))
    result.set_exception(socket.gaierror())
    for error in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(error, ConnectError)
        assert "cannot be resolved" in str(error)
    assert names == ["gateway.test"]


@pytest.fixture(scope="module")
def authority():
    return CertificateAuthority()


@pytest.fixture
async def serve_tls(authority, peer, tmp_path):
    """await serve_tls(name): the peer uses TLS, with a certificate for the name. Returns the names of SNI."""

    async def start(name):
        names = []
        files = authority.issue(dns=name).write(tmp_path)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(files["tls_cert_file"], files["tls_key_file"])
        tls.sni_callback = lambda _socket, server_name, _context: names.append(server_name)
        await peer.stop()
        await peer.start(tls)
        return names

    return start


@pytest.fixture
async def tls_transport(authority):
    transport = HttpTransport(tls=ssl.create_default_context(cadata=authority.cert.decode()))
    yield transport
    await transport.close()


async def test_tls(serve_tls, peer, make_gateway, call, tls_transport):
    names = await serve_tls("localhost")
    gateway = make_gateway(url=f"https://localhost:{peer.port}", transport=tls_transport)
    for _ in range(3):
        assert (await call(gateway, {"a": "1"})).value == {}
    assert names == ["localhost"], "the connection is kept"


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_name_with_a_dot_at_its_end(serve_tls, peer, make_gateway, call, tls_transport, resolve_to):
    """The dot is for the resolver: it adds no search domain. Certificates and SNI have none (RFC 6066)."""
    names = await serve_tls("gateway.test")
    resolved = resolve_to(("127.0.0.1", peer.port))
    gateway = make_gateway(url=f"https://gateway.test.:{peer.port}", transport=tls_transport)
    assert (await call(gateway)).value == {}
    assert (resolved, names) == (["gateway.test."], ["gateway.test"])


async def test_certificate_of_another_name(serve_tls, peer, make_gateway, call, tls_transport):
    await serve_tls("other.test")
    with pytest.raises(ConnectError, match="Hostname mismatch"):
        await call(make_gateway(url=f"https://localhost:{peer.port}", transport=tls_transport))
    assert not peer.received
    assert not tls_transport._pool.in_use


async def test_cancelling_the_handshake_closes_the_connection(serve_raw, make_gateway, call, transport):
    connected, closed = asyncio.Event(), asyncio.Event()

    async def stay_silent(reader, _writer):
        connected.set()
        while await reader.read(1000):
            pass
        closed.set()

    gateway = make_gateway(url=f"https://{await serve_raw(stay_silent)}")
    connecting = asyncio.create_task(call(gateway))
    await connected.wait()
    connecting.cancel()
    await asyncio.wait([connecting])
    async with asyncio.timeout(5):
        await closed.wait()
    assert not transport._pool.in_use
