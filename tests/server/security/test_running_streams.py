"""Streams whose callers may no longer call: by another policy, other authorities, an expired certificate."""

import asyncio

import grpc
import pytest

from services.server.security import server_security
from tests.server.callers import CALLER, forwarded, rule
from tests.server.shop_server import Line, accept, connect, running_shop, serialized_line
from tests.store.factories import wait_until
from tests.support.certificates import CertificateAuthority
from tests.support.status_details import parse_reason

TIMEOUT_S = 10
OTHER = "spiffe://shop/ns/other"
FORBIDDEN = (grpc.StatusCode.PERMISSION_DENIED, "CALLER_FORBIDDEN")
UNKNOWN = (grpc.StatusCode.UNAUTHENTICATED, "CALLER_UNKNOWN")


@pytest.fixture(autouse=True)
def _check_often(monkeypatch):
    monkeypatch.setattr(server_security, "CHECK_INTERVAL_S", 0.01)


async def echo(requests, _deadline):
    async for request in requests:
        yield serialized_line(request.sku)


async def exchange(call):
    """Send a request on a stream, and wait for its response."""
    await call.write(Line(sku="a"))
    assert (await asyncio.wait_for(call.read(), TIMEOUT_S)).sku == "a"


async def open_stream(client, *elements):
    call = client.Chat(metadata=forwarded(*elements))
    await exchange(call)
    return call


async def error_of(call):
    """Return status and reason of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asyncio.wait_for(call, TIMEOUT_S)
    return caught.value.code(), parse_reason(caught.value)


async def test_a_changed_policy_ends_the_streams_that_it_does_not_allow(policy):
    """Unary calls in flight finish."""
    asked, may_answer, closed = asyncio.Event(), asyncio.Event(), []

    async def answer(_request, _deadline):
        asked.set()
        await may_answer.wait()
        return serialized_line("b")

    async def chat(requests, _deadline):
        try:
            async for request in requests:
                yield serialized_line(request.sku)
        finally:
            await asyncio.sleep(0)
            closed.append("released")

    policy(rule([CALLER, OTHER], ["*"]))
    async with running_shop(
        {"Ask": answer, "Chat": chat}, policy_file=policy.path, trusted_proxies="loopback"
    ) as shop:
        streams = [await open_stream(shop.client, f"URI={CALLER}") for _ in range(3)]
        others = await open_stream(shop.client, f"URI={OTHER}")
        unary = asyncio.ensure_future(shop.client.Ask(Line(), metadata=forwarded(f"URI={CALLER}")))
        await asyncio.wait_for(asked.wait(), TIMEOUT_S)
        policy(rule([OTHER], ["*"]), rule([CALLER], ["shop.v1.Shop/Buy"]))
        for stream in streams:
            assert await error_of(stream.read()) == FORBIDDEN
        assert closed == ["released"] * 3
        await exchange(others)
        may_answer.set()
        assert (await unary).sku == "b"
        assert await error_of(shop.client.Ask(Line(), metadata=forwarded(f"URI={CALLER}"))) == FORBIDDEN


async def test_an_invalid_change_of_the_policy_ends_nothing(policy, logged):
    policy(rule([CALLER], ["*"]))
    async with running_shop({"Chat": echo}, policy_file=policy.path, trusted_proxies="loopback") as shop:
        stream = await open_stream(shop.client, f"URI={CALLER}")
        policy(text="{")
        await wait_until(lambda: logged("policy_rejected"))
        await exchange(stream)


async def test_other_authorities_end_the_streams_of_their_certificates(tmp_path, logged):
    old, new = CertificateAuthority("old"), CertificateAuthority("new")
    settings = old.issue().write(tmp_path) | {"tls_client_ca_file": tmp_path / "ca"}
    bundle = tmp_path / "bundle"

    def trust(*authorities):
        bundle.write_bytes(b"".join(authority.cert for authority in authorities))
        bundle.rename(tmp_path / "ca")

    def credentials(client):
        return grpc.ssl_channel_credentials(old.cert, client.key, client.cert)

    trust(old, new)
    mine = credentials(old.intermediate().issue(CALLER))
    others = credentials(new.intermediate().issue(OTHER))
    async with (
        running_shop({"Ask": accept, "Chat": echo}, credentials=mine, **settings) as shop,
        connect(f"127.0.0.1:{shop.addresses.port}", others) as channel,
    ):
        stream = await open_stream(shop.client)
        other_stream = await open_stream(type(shop.client)(channel))
        trust(new)
        assert await error_of(stream.read()) == UNKNOWN
        await exchange(other_stream)
        # The connection still stands.
        assert await error_of(shop.client.Ask(Line())) == UNKNOWN
        loaded = len(logged("certificate_loaded"))
        trust(new, old)
        await wait_until(lambda: len(logged("certificate_loaded")) > loaded)
        await shop.client.Ask(Line())


@pytest.mark.slow
async def test_a_stream_ends_when_the_certificate_expires(tmp_path):
    authority = CertificateAuthority()
    (tmp_path / "ca").write_bytes(authority.cert)
    settings = authority.issue().write(tmp_path) | {"tls_client_ca_file": tmp_path / "ca"}
    mine = authority.channel_credentials(authority.issue(CALLER, valid_s=3))
    async with running_shop({"Ask": accept, "Chat": echo}, credentials=mine, **settings) as shop:
        stream = await open_stream(shop.client)
        assert await error_of(stream.read()) == UNKNOWN
        assert await error_of(shop.client.Ask(Line())) == UNKNOWN
