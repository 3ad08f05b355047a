"""TLS and mTLS, with certificates that change while the server runs."""

import grpc
import pytest

from services.server import StartupError, current_caller
from tests.server.shop_server import Line, ShopClient, connect, running_shop
from tests.support.certificates import CertificateAuthority

WEB = "spiffe://shop/web"


async def who(_request, _deadline):
    return Line(order_id=current_caller().identity).SerializeToString()


@pytest.fixture(scope="module")
def authority():
    return CertificateAuthority()


async def test_tls_without_client_certificates(authority, tmp_path):
    settings = authority.issue().write(tmp_path)
    async with running_shop({"Ask": who}, credentials=authority.channel_credentials(), **settings) as shop:
        assert (await shop.client.Ask(Line())).order_id == ""
        async with connect(f"127.0.0.1:{shop.addresses.port}", None) as plain:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ShopClient(plain).Ask(Line())
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_client_certificate_identifies_the_caller(authority, tmp_path):
    settings = authority.issue().write(tmp_path)
    (tmp_path / "ca").write_bytes(authority.cert)
    mine = authority.channel_credentials(authority.issue(WEB, dns="client.shop"))
    async with running_shop(
        {"Ask": who}, credentials=mine, tls_client_ca_file=tmp_path / "ca", **settings
    ) as shop:
        metadata = (("x-forwarded-client-cert", "URI=spiffe://made-up"),)
        assert (await shop.client.Ask(Line(), metadata=metadata)).order_id == WEB
        strangers = CertificateAuthority("strangers").issue(WEB)
        for credentials in (authority.channel_credentials(), authority.channel_credentials(strangers)):
            async with connect(f"127.0.0.1:{shop.addresses.port}", credentials) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await ShopClient(channel).Ask(Line())
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_changed_certificates_are_reloaded_unless_they_are_invalid(tmp_path, logged):
    old, new = CertificateAuthority("old"), CertificateAuthority("new")
    settings = old.issue().write(tmp_path)
    async with running_shop({"Ask": who}, credentials=old.channel_credentials(), **settings) as shop:

        async def reached(authority):
            async with connect(
                f"127.0.0.1:{shop.addresses.port}", authority.channel_credentials()
            ) as channel:
                try:
                    await ShopClient(channel).Ask(Line())
                except grpc.aio.AioRpcError:
                    return False
                return True

        await shop.client.Ask(Line())
        assert await reached(old)
        (tmp_path / "cert").write_text("half wri")
        assert await reached(old)
        new.issue().write(tmp_path)
        assert await reached(new)
        assert not await reached(old)
        await shop.client.Ask(Line())  # the connection that stands goes on
    assert len(logged("certificate_rejected")) == len(logged("certificate_loaded")) == 1


async def test_invalid_files_stop_the_start(authority, tmp_path):
    settings = authority.issue().write(tmp_path)
    settings["tls_client_ca_file"] = tmp_path / "ca"
    with pytest.raises(StartupError) as caught:
        async with running_shop({}, **settings):
            raise AssertionError
    missing = f"NATIONALSITE_TLS_CLIENT_CA_FILE: cannot read {tmp_path}/ca: No such file or directory"
    assert caught.value.lines == (missing,)

    (tmp_path / "ca").write_text("none")
    (tmp_path / "key").write_bytes(authority.issue().key)
    with pytest.raises(StartupError) as caught:
        async with running_shop({}, **settings):
            raise AssertionError
    assert caught.value.lines == (
        f"NATIONALSITE_TLS_CERT_FILE: {tmp_path}/cert and {tmp_path}/key are not a PEM certificate "
        "and its unencrypted key",
        f"NATIONALSITE_TLS_CLIENT_CA_FILE: {tmp_path}/ca holds no PEM certificate",
    )
