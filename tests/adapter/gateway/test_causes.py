"""Why 1688 does not respond, or something else does: setting and cause are in the error and in the log."""

import socket
import ssl

import pytest
import structlog

from services.errors import ConnectError, UpstreamError, UpstreamFault, UpstreamGateway, UpstreamUnreadable
from services.log_fields import clear_log_fields, get_log_fields
from tests.support.certificates import CertificateAuthority

URL = "NATIONALSITE_GATEWAY_URL"
PAGE = f"a web page came in place of 1688's response: check {URL}, and proxies and firewalls on the way"
REDIRECT = f"a redirect came in place of 1688's response: check {URL}, and proxies and firewalls on the way"
HTML = b"\xef\xbb\xbf\n<!DOCTYPE html><html><title>Blocked by policy hush</title></html>"


@pytest.fixture
async def url(request, peer, serve_raw, tmp_path):
    """A URL of a gateway that does not respond, by its kind."""
    match request.param:
        case "DNS":
            yield "https://no-such-host.invalid"
        case "closed port":
            with socket.socket() as bound:
                bound.bind(("127.0.0.1", 0))
                yield f"https://127.0.0.1:{bound.getsockname()[1]}"
        case "silent":

            async def stay_silent(reader, _writer):
                while await reader.read(1000):
                    pass

            yield f"https://{await serve_raw(stay_silent)}"
        case "no TLS":

            async def answer_http(_reader, writer):
                writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

            yield f"https://{await serve_raw(answer_http)}"
        case "untrusted CA":
            files = CertificateAuthority().issue().write(tmp_path)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(files["tls_cert_file"], files["tls_key_file"])
            await peer.stop()
            await peer.start(context)
            yield f"https://127.0.0.1:{peer.port}"


@pytest.mark.parametrize(
    ("url", "text", "cause"),
    [
        ("DNS", f"the name of 1688's gateway cannot be resolved ({URL})", "name_not_resolved"),
        ("closed port", f"1688 cannot be reached: nothing listens on host and port ({URL})", "refused"),
        ("silent", f"1688 cannot be reached: no response in time ({URL})", "no_response"),
        ("no TLS", f"the TLS handshake with 1688 failed ({URL})", "tls_failed"),
        (
            "untrusted CA",
            "1688's certificate is rejected: unable to get local issuer certificate"
            " (NATIONALSITE_GATEWAY_CA_FILE adds an authority)",
            "certificate_rejected",
        ),
    ],
    indirect=["url"],
)
async def test_no_connection(url, text, cause, make_gateway, call):
    clear_log_fields()
    with pytest.raises(ConnectError) as caught:
        await call(make_gateway(url=url), timeout_s=0.5)
    assert str(caught.value) == text
    assert get_log_fields()["connect_failure"] == cause


@pytest.mark.parametrize(
    ("status", "headers", "body", "error", "text", "cause"),
    [
        (200, {"Content-Type": "text/html"}, HTML, UpstreamUnreadable, PAGE, "web_page"),
        (200, {}, b"<html><body>", UpstreamUnreadable, PAGE, "web_page"),
        (403, {"Content-Type": "text/html; charset=gbk"}, HTML, UpstreamGateway, PAGE, "web_page"),
        (404, {"Content-Type": "text/html"}, b"nothing here", UpstreamGateway, PAGE, "web_page"),
        (302, {"Location": "https://login.example.com/hush"}, b"", UpstreamGateway, REDIRECT, "redirect"),
        (301, {"Location": "https://h"}, HTML, UpstreamGateway, REDIRECT, "redirect"),
        # 1688's own servers answer so while they fail.
        (502, {"Content-Type": "text/html"}, HTML, UpstreamFault, "1688 failed (HTTP 502)", None),
        (
            200,
            {},
            b"no JSON",
            UpstreamUnreadable,
            "1688's response is not JSON, or has too many values",
            None,
        ),
        (403, {}, b'{"a": "<html>"}', UpstreamGateway, "1688's gateway rejected the call (HTTP 403)", None),
    ],
)
async def test_another_answer(status, headers, body, error, text, cause, peer, response, make_gateway, call):
    peer.on("param2", response(status=status, headers=headers, body=body))
    clear_log_fields()
    with pytest.raises(UpstreamError) as caught:
        await call(make_gateway())
    assert type(caught.value) is error
    assert str(caught.value).endswith(text)
    assert "hush" not in str(caught.value)
    assert get_log_fields().get("response_failure") == cause


@pytest.mark.parametrize(
    ("sample", "setting"),
    [
        ("token_invalid", "NATIONALSITE_ACCESS_TOKEN"),
        ("token_missing", "NATIONALSITE_ACCESS_TOKEN or NATIONALSITE_REFRESH_TOKEN"),
        ("signature_invalid", "NATIONALSITE_APP_SECRET"),
        ("app_key_not_found", "NATIONALSITE_APP_KEY"),
    ],
)
async def test_rejected_credentials(sample, setting, peer, response, make_gateway, call, samples):
    body = (samples / f"responses/gateway/{sample}.json").read_bytes()
    peer.on("param2", response(status=400 if "token" not in sample else 401, body=body))
    with pytest.raises(UpstreamGateway) as caught:
        await call(make_gateway())
    assert str(caught.value).endswith(f"({setting})")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {"error": "invalid_grant", "error_description": "refresh token is invalid"},
            "1688 rejects the refresh token (NATIONALSITE_REFRESH_TOKEN)",
        ),
        (
            {"error_code": "gw.AppKeyNotFound", "error_message": "AppKey not found"},
            "1688 rejects the app (NATIONALSITE_APP_KEY or NATIONALSITE_APP_SECRET)",
        ),
        (
            {"error": "invalid_client", "error_description": "the secret is wrong"},
            "1688 rejects the app (NATIONALSITE_APP_KEY or NATIONALSITE_APP_SECRET)",
        ),
        (
            HTML,
            "no access token could be fetched from 1688: "
            f"1688's gateway rejected the call (HTTP 400); {PAGE}",
        ),
    ],
)
async def test_no_access_token(body, text, peer, response, make_refreshing_gateway, call):
    peer.on("getToken", response(status=400, body=body))
    with structlog.testing.capture_logs() as logs, pytest.raises(UpstreamError) as caught:
        await call(make_refreshing_gateway())
    assert str(caught.value) == text
    assert {line["cause"] for line in logs if line["event"] == "token_refresh_failed"} == {text}
