"""TLS and mTLS, with certificates that change while the server runs."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from cryptography import x509
from prometheus_client import REGISTRY

from services.server import StartupError, current_caller
from services.server.security.tls import ServerTls, TlsFiles
from tests.server.shop_server import Line, ShopClient, connect, running_shop
from tests.support.certificates import DAY_S, CertificateAuthority

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
        failures = _metric("reload_failures_total")

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
        for times in ({"valid_s": -60}, {"starts_s": 60}):  # expired, and not valid yet
            old.issue(**times).write(tmp_path)
            assert await reached(old)
        assert _metric("reload_failures_total") == failures + 3
        new.issue().write(tmp_path)
        assert await reached(new)
        assert not await reached(old)
        await shop.client.Ask(Line())  # the connection that stands goes on
    assert len(logged("certificate_rejected")) == 3
    assert len(logged("certificate_loaded")) == 1


def _metric(name, setting="NATIONALSITE_TLS_CERT_FILE"):
    return REGISTRY.get_sample_value(f"nationalsite_{name}", {"setting": setting})


def _validity(pem):
    certificate = x509.load_pem_x509_certificate(pem)
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()


def _exported_validity(setting="NATIONALSITE_TLS_CERT_FILE"):
    return tuple(_metric(f"certificate_{name}_timestamp_seconds", setting) for name in ("start", "expiry"))


def _files(settings, client_ca=None):
    return TlsFiles(
        cert=("NATIONALSITE_TLS_CERT_FILE", settings["tls_cert_file"]),
        key=("NATIONALSITE_TLS_KEY_FILE", settings["tls_key_file"]),
        client_ca=("NATIONALSITE_TLS_CLIENT_CA_FILE", client_ca) if client_ca else None,
    )


def test_the_validity_of_the_certificates_in_use_is_exported(tmp_path):
    old, new = (CertificateAuthority(valid_s=valid_s) for valid_s in (-60, 30 * DAY_S))
    cert = new.issue(valid_s=3600)
    (tmp_path / "ca").write_bytes(old.cert + new.cert)  # the authority that expires last counts
    tls = ServerTls(_files(cert.write(tmp_path), tmp_path / "ca"))
    assert _exported_validity() == _validity(cert.cert)
    assert _exported_validity("NATIONALSITE_TLS_CLIENT_CA_FILE") == _validity(new.cert)
    new.issue(valid_s=-60).write(tmp_path)
    tls.reload()
    assert _exported_validity() == _validity(cert.cert)
    renewed = new.issue(valid_s=7200)
    renewed.write(tmp_path)
    tls.reload()
    assert _exported_validity() == _validity(renewed.cert)


def test_a_certificate_that_was_not_valid_yet_is_used_once_it_is(authority, tmp_path):
    """The authority's clock may be ahead of ours, and the file does not change again."""
    now = datetime.now(UTC)
    settings = authority.issue().write(tmp_path)
    tls = ServerTls(_files(settings), now=lambda: now)
    early = authority.issue(starts_s=60)
    early.write(tmp_path)
    failures = _metric("reload_failures_total")
    for _ in range(3):
        tls.reload()
    assert _metric("reload_failures_total") == failures + 1
    assert _exported_validity() != _validity(early.cert)
    now += timedelta(seconds=61)
    tls.reload()
    assert _exported_validity() == _validity(early.cert)


def test_authorities_that_have_all_expired_replace_no_valid_ones(authority, tmp_path):
    (tmp_path / "ca").write_bytes(authority.cert)
    tls = ServerTls(_files(authority.issue().write(tmp_path), tmp_path / "ca"))
    in_force = tls.authorities
    (tmp_path / "ca").write_bytes(CertificateAuthority(valid_s=-60).cert)
    tls.reload()
    assert tls.authorities is in_force


@pytest.mark.parametrize(
    ("times", "problem"), [({"valid_s": -60}, "expired on"), ({"starts_s": 60}, "is not valid before")]
)
async def test_a_certificate_that_is_not_valid_now_stops_the_start(authority, tmp_path, times, problem):
    cert = authority.issue(**times)
    settings = cert.write(tmp_path)
    (tmp_path / "ca").write_bytes(CertificateAuthority(valid_s=-60).cert)
    settings["tls_client_ca_file"] = tmp_path / "ca"
    with pytest.raises(StartupError) as caught:
        async with running_shop({}, **settings):
            raise AssertionError
    cert_line, ca_line = caught.value.lines
    assert cert_line.startswith(
        f"NATIONALSITE_TLS_CERT_FILE: the certificate in {tmp_path}/cert {problem} 20"
    )
    assert ca_line.startswith(
        f"NATIONALSITE_TLS_CLIENT_CA_FILE: the certificate in {tmp_path}/ca expired on 20"
    )


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
