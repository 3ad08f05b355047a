"""Why no connection to 1688 was made: a word for the log line of the call, a sentence for its error."""

import socket
import ssl
from typing import NamedTuple

from services.adapter.gateway.http_client.connector import ProxyUnreachable, TunnelRefused
from services.adapter.gateway.proxy import Proxy

GATEWAY_CA_FILE, GATEWAY_URL = "NATIONALSITE_GATEWAY_CA_FILE", "NATIONALSITE_GATEWAY_URL"


class ConnectFailure(NamedTuple):
    """The cause of a connection that was not made."""

    cause: str
    """For the log."""
    text: str
    """For the error. It contains no address and no credential."""


def to_connect_failure(error: Exception, proxy: Proxy | None) -> ConnectFailure:
    """Return the cause of an exception of the HTTP client."""
    # The certificate and TLS are 1688's, also behind a proxy.
    if proxy is not None and not isinstance(error, ssl.SSLError):
        return _to_proxy_failure(error, f"the proxy of {proxy.variable}")
    cause, text = "unreachable", f"1688 cannot be reached ({GATEWAY_URL})"
    match error:
        case socket.gaierror():
            cause, text = (
                "name_not_resolved",
                f"the name of 1688's gateway cannot be resolved ({GATEWAY_URL})",
            )
        case ssl.SSLCertVerificationError(verify_message=reason):
            cause = "certificate_rejected"
            detail = reason or "it cannot be verified"
            text = f"1688's certificate is rejected: {detail} ({GATEWAY_CA_FILE} adds an authority)"
        case ssl.SSLError():
            cause, text = "tls_failed", f"the TLS handshake with 1688 failed ({GATEWAY_URL})"
        case ConnectionRefusedError():
            cause, text = (
                "refused",
                f"1688 cannot be reached: nothing listens on host and port ({GATEWAY_URL})",
            )
        case TimeoutError():
            cause, text = "no_response", f"1688 cannot be reached: no response in time ({GATEWAY_URL})"
    return ConnectFailure(cause, text)


def _to_proxy_failure(error: Exception, proxy: str) -> ConnectFailure:
    match error:
        case TunnelRefused(status=407):
            text = f"{proxy} rejects its credentials, or requires some"
            return ConnectFailure("proxy_credentials", text)
        case TunnelRefused(status=int(status)):
            return ConnectFailure(
                "proxy_refused", f"{proxy} refuses the connection with HTTP status {status}"
            )
        case ProxyUnreachable():
            return ConnectFailure("proxy_unreachable", f"{proxy} cannot be reached")
    return ConnectFailure("proxy_failed", f"1688 cannot be reached through {proxy}")
