"""Why no connection to 1688 was made: a word for the log line of the call, a sentence for its error."""

from typing import NamedTuple

import aiohttp

from services.adapter.gateway.proxy import Proxy

GATEWAY_CA_FILE, GATEWAY_URL = "NATIONALSITE_GATEWAY_CA_FILE", "NATIONALSITE_GATEWAY_URL"


class ConnectFailure(NamedTuple):
    """The cause of a connection that was not made."""

    cause: str
    """For the log."""
    text: str
    """For the error. It contains no address and no credential."""


def to_connect_failure(error: BaseException, proxy: Proxy | None) -> ConnectFailure:
    """Return the cause of an exception of aiohttp."""
    if proxy is not None and (failure := _to_proxy_failure(error, f"the proxy of {proxy.variable}")):
        return failure
    cause, text = "unreachable", f"1688 cannot be reached ({GATEWAY_URL})"
    match error:
        case aiohttp.ClientConnectorDNSError():
            cause, text = (
                "name_not_resolved",
                f"the name of 1688's gateway cannot be resolved ({GATEWAY_URL})",
            )
        case aiohttp.ClientConnectorCertificateError(certificate_error=reason):
            detail = getattr(reason, "verify_message", "") or "it cannot be verified"
            cause = "certificate_rejected"
            text = f"1688's certificate is rejected: {detail} ({GATEWAY_CA_FILE} adds an authority)"
        case aiohttp.ClientConnectorSSLError():
            cause, text = "tls_failed", f"the TLS handshake with 1688 failed ({GATEWAY_URL})"
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            cause, text = (
                "refused",
                f"1688 cannot be reached: nothing listens on host and port ({GATEWAY_URL})",
            )
        case TimeoutError():
            cause, text = "no_response", f"1688 cannot be reached: no response in time ({GATEWAY_URL})"
    return ConnectFailure(cause, text)


def _to_proxy_failure(error: BaseException, proxy: str) -> ConnectFailure | None:
    """Return None if it is no failure of the proxy, but of the connection within."""
    match error:
        case aiohttp.ClientHttpProxyError(status=407):
            text = f"{proxy} rejects its credentials, or requires some"
            return ConnectFailure("proxy_credentials", text)
        case aiohttp.ClientHttpProxyError(status=status):
            return ConnectFailure(
                "proxy_refused", f"{proxy} refuses the connection with HTTP status {status}"
            )
        case aiohttp.ClientConnectorDNSError() | aiohttp.ClientProxyConnectionError():
            return ConnectFailure("proxy_unreachable", f"{proxy} cannot be reached")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return None
    return ConnectFailure("proxy_failed", f"1688 cannot be reached through {proxy}")
