"""The forward proxy between the service and 1688, and the authorities of 1688's certificate."""

import base64
import socket
import ssl
import traceback
from contextlib import AsyncExitStack

import pytest

from services.adapter.gateway import HttpTransport, build_transport, find_proxy
from services.errors import ConnectError, StartupError, UpstreamError
from services.log_fields import clear_log_fields, get_log_fields
from tests.adapter.gateway.conftest import Peer
from tests.support.certificates import CertificateAuthority
from tests.support.forward_proxy import ForwardProxy

GATEWAY = "https://gw.open.1688.com"
HOST = "gateway.test"
"""No resolver knows it: only the proxy leads there."""
PROXY = "http://proxy.example.com:3128"
PROXY_URL = "http://us%40er:hush-%E5%AF%86@127.0.0.1"
CREDENTIALS = "us@er:hush-密"


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        ({}, None),
        ({"HTTPS_PROXY": PROXY}, "HTTPS_PROXY"),
        ({"https_proxy": PROXY}, "https_proxy"),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, "https_proxy"),
        ({"https_proxy": "", "HTTPS_PROXY": PROXY}, None),
        ({"HTTPS_PROXY": "proxy.example.com:3128"}, "HTTPS_PROXY"),
        ({"HTTP_PROXY": PROXY}, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": ""}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "a.b, gw.open.1688.com"}, None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "GW.open.1688.com:443"}, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "gw.open.1688.com:8443"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": ".1688.com"}, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*.1688.com"}, None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "688.com,10.0.0.0/8,.svc,.cluster.local"}, "HTTPS_PROXY"),
    ],
    ids=str,
)
def test_proxy_of_the_environment(environment, variable):
    proxy = find_proxy(GATEWAY, environment)
    assert (proxy and proxy.variable) == variable
    assert proxy is None or (proxy.url.host, proxy.url.port) == ("proxy.example.com", 3128)


@pytest.mark.parametrize(
    ("url", "no_proxy", "proxied"),
    [
        ("https://10.1.2.3", "10.0.0.0/8", False),
        ("https://10.1.2.3", "10.1.2.3:443", False),
        ("https://10.1.2.3", "10.2.0.0/16", True),
        ("https://[fd00::1]", "fd00::/8", False),
        ("https://127.0.0.1:8443", "", False),
        ("https://[::1]:8443", "", False),
        ("https://[fd00::1]:8443", "[fd00::1]:8443", False),
        ("https://[fd00::1]:8443", "[fd00::1]:443", True),
        ("https://[fd00::1]:8443", "fd00::1", False),
        ("https://localhost:8443", "", False),
        ("http://sandbox:8168", "", False),
    ],
)
def test_addresses(url, no_proxy, proxied):
    assert bool(find_proxy(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy})) is proxied


@pytest.mark.parametrize(
    "value",
    [
        "https://u:hush@p",
        "socks5://u:hush@p",
        "http://",
        "http://u:hush@p:99999",
        "http://u:hush@p/x",
        "http://u:hush@[p",
        "http://u%3Aser:hush@p",
        "a hush",
    ],
)
def test_an_invalid_proxy_is_reported_without_its_value(value):
    with pytest.raises(StartupError) as caught:
        find_proxy(GATEWAY, {"HTTPS_PROXY": value})
    (line,) = caught.value.lines
    assert line.startswith("HTTPS_PROXY: must be")
    assert "hush" not in line


def test_credentials_are_not_shown():
    proxy = find_proxy(GATEWAY, {"HTTPS_PROXY": f"{PROXY_URL}:3128"})
    assert base64.b64decode(proxy.headers["Proxy-Authorization"].split(" ")[1]).decode() == CREDENTIALS
    assert "uthorization" not in repr(proxy)
    assert proxy.secrets == ("hush-密", base64.b64encode(CREDENTIALS.encode()).decode())
    assert "hush" not in repr(proxy) + str(proxy.url)


@pytest.fixture(scope="module")
def authority():
    return CertificateAuthority()


@pytest.fixture
async def gateway_through(authority, make_gateway, tmp_path, monkeypatch):
    """gateway, peer = await gateway_through(proxy): 1688 with TLS, behind a proxy."""
    async with AsyncExitStack() as stack:

        async def start(proxy, *, dns=HOST, url=PROXY_URL, ca=authority.cert):
            files = authority.issue(dns=dns).write(tmp_path)
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(files["tls_cert_file"], files["tls_key_file"])
            peer = Peer()
            await peer.start(tls)
            stack.push_async_callback(peer.stop)
            proxy.hosts = {f"{HOST}:443": f"127.0.0.1:{peer.port}"}
            server = await stack.enter_async_context(await proxy.start())
            (tmp_path / "ca").write_bytes(ca)
            monkeypatch.setenv("HTTPS_PROXY", f"{url}:{server.sockets[0].getsockname()[1]}")
            transport = build_transport(f"https://{HOST}", tmp_path / "ca")
            stack.push_async_callback(transport.close)
            return make_gateway(url=f"https://{HOST}", transport=transport), peer

        yield start


async def fail(call, gateway):
    """Return the text of the error, and the cause that is logged; 1688 cannot have executed the call."""
    clear_log_fields()
    with pytest.raises(ConnectError) as caught:
        await call(gateway, timeout_s=2)
    assert not caught.value.may_have_executed
    logged = "".join(traceback.format_exception(caught.value))
    assert "hush" not in logged
    assert base64.b64encode(CREDENTIALS.encode()).decode() not in logged + repr(caught.value.__cause__)
    return str(caught.value), get_log_fields()["connect_failure"]


async def test_calls_pass_the_proxy(gateway_through, call):
    proxy = ForwardProxy(hosts={}, credentials=CREDENTIALS)
    gateway, peer = await gateway_through(proxy)
    assert "hush-密" in gateway.secrets()
    for _ in range(2):
        assert (await call(gateway, {"a": "1"})).value == {}
    assert proxy.targets == [f"{HOST}:443"], "the connection is kept"
    assert [received.form["a"] for received in peer.received] == ["1", "1"]
    assert not any("proxy-authorization" in received.headers for received in peer.received)


async def test_a_redirect_is_not_followed_through_the_proxy(gateway_through, call, response):
    proxy = ForwardProxy(hosts={})
    gateway, peer = await gateway_through(proxy)
    peer.on("param2", response(status=302, body=b"", headers={"Location": "https://169.254.169.254/secret"}))
    with pytest.raises(UpstreamError):
        await call(gateway)
    assert proxy.targets == [f"{HOST}:443"]
    assert len(peer.received) == 1


async def test_wrong_credentials(gateway_through, call):
    gateway, peer = await gateway_through(ForwardProxy(hosts={}, credentials="other:password"))
    assert await fail(call, gateway) == (
        "the proxy of HTTPS_PROXY rejects its credentials, or requires some",
        "proxy_credentials",
    )
    assert not peer.accepted


@pytest.mark.parametrize(
    ("answer", "text", "cause"),
    [
        (
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nhush",
            "the proxy of HTTPS_PROXY refuses the connection with HTTP status 403",
            "proxy_refused",
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
            "the proxy of HTTPS_PROXY refuses the connection with HTTP status 302",
            "proxy_refused",
        ),
        (b"\r\n", "1688 cannot be reached through the proxy of HTTPS_PROXY", "proxy_failed"),
        (
            b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
            "1688 cannot be reached through the proxy of HTTPS_PROXY",
            "proxy_failed",
        ),
        (b"SSH-2.0-OpenSSH\r\n", "1688 cannot be reached through the proxy of HTTPS_PROXY", "proxy_failed"),
    ],
)
async def test_a_proxy_that_does_not_connect(answer, text, cause, gateway_through, call):
    gateway, peer = await gateway_through(ForwardProxy(hosts={}, answer=answer))
    assert await fail(call, gateway) == (text, cause)
    assert not peer.accepted


async def test_a_dead_proxy(make_gateway, call):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        proxy = find_proxy(GATEWAY, {"HTTPS_PROXY": f"{PROXY_URL}:{bound.getsockname()[1]}"})
        transport = HttpTransport(proxy=proxy)
        gateway = make_gateway(url=GATEWAY, transport=transport)
        text = "the proxy of HTTPS_PROXY cannot be reached"
        assert await fail(call, gateway) == (text, "proxy_unreachable")
        await transport.close()


async def test_a_silent_proxy(serve_raw, make_gateway, call):
    async def stay_silent(reader, _writer):
        await reader.read()
        await reader.read()

    proxy = find_proxy(GATEWAY, {"HTTPS_PROXY": f"http://{await serve_raw(stay_silent)}"})
    transport = HttpTransport(proxy=proxy)
    clear_log_fields()
    with pytest.raises(ConnectError, match="1688 cannot be reached through the proxy of HTTPS_PROXY"):
        await call(make_gateway(url=GATEWAY, transport=transport), timeout_s=0.3)
    await transport.close()


async def test_the_certificate_is_that_of_the_gateway(gateway_through, call):
    """Whether the proxy ends TLS itself or not: it cannot pass for the gateway."""
    gateway, peer = await gateway_through(ForwardProxy(hosts={}), dns="other.test")
    text, cause = await fail(call, gateway)
    assert text.startswith("1688's certificate is rejected: Hostname mismatch")
    assert cause == "certificate_rejected"
    assert not peer.received


async def test_another_authority(gateway_through, call):
    gateway, peer = await gateway_through(ForwardProxy(hosts={}), ca=CertificateAuthority().cert)
    text, cause = await fail(call, gateway)
    assert text.startswith("1688's certificate is rejected: ")
    assert text.endswith("(NATIONALSITE_GATEWAY_CA_FILE adds an authority)")
    assert cause == "certificate_rejected"
    assert not peer.received


def test_authorities_of_the_system_stay_trusted(authority, tmp_path):
    (tmp_path / "ca").write_bytes(authority.cert)
    system = len(ssl.create_default_context().get_ca_certs())
    transport = build_transport(GATEWAY, tmp_path / "ca")
    assert len(transport._tls.get_ca_certs()) == system + 1


@pytest.mark.parametrize("content", [None, b"", b"none", b"\xff"])
def test_an_invalid_ca_file(content, tmp_path):
    if content is not None:
        (tmp_path / "ca").write_bytes(content)
    with pytest.raises(StartupError) as caught:
        build_transport(GATEWAY, tmp_path / "ca")
    problem = "cannot read" if content is None else f"{tmp_path}/ca holds no PEM certificate"
    assert caught.value.lines[0].startswith(f"NATIONALSITE_GATEWAY_CA_FILE: {problem}")
