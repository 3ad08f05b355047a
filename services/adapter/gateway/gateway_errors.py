"""The gateway's errors: one table maps code, status and text to our exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from services.adapter.error_words import CODES, is_success_code, read_error_words
from services.adapter.gateway.connect_errors import GATEWAY_URL
from services.errors import (
    AccessTokenRejected,
    CredentialRejected,
    TimestampRejected,
    UpstreamArgument,
    UpstreamError,
    UpstreamFault,
    UpstreamGateway,
    UpstreamPermission,
    UpstreamQuota,
    UpstreamRate,
    UpstreamSignature,
    UpstreamUnsupported,
)

APP_KEY, APP_SECRET = "NATIONALSITE_APP_KEY", "NATIONALSITE_APP_SECRET"
ACCESS_TOKEN, REFRESH_TOKEN = "NATIONALSITE_ACCESS_TOKEN", "NATIONALSITE_REFRESH_TOKEN"
TOKEN = f"{ACCESS_TOKEN} or {REFRESH_TOKEN}"


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """One row of the table. The first row that matches a response is used."""

    code: str
    """Pattern of the gateway's code (`gw.…` or a number), or of the HTTP status if the body has no such code.

    * matches any text."""
    text: str
    """What the gateway's text must contain; empty matches any text."""
    error: type[UpstreamError]
    message: str
    """The message of the gRPC status that the caller gets."""


ERROR_RULES = (
    ErrorRule(
        "*", "Request is expired", TimestampRejected, "1688 rejects the request's timestamp as expired"
    ),
    ErrorRule(
        "*", "Request need user authorized", AccessTokenRejected, f"1688 rejects the access token ({TOKEN})"
    ),
    ErrorRule(
        "*", "Request need user authenticated", CredentialRejected, f"1688 requires an access token ({TOKEN})"
    ),
    ErrorRule(
        "401",
        "User authorization is required",
        CredentialRejected,
        f"1688 requires an access token ({TOKEN})",
    ),
    ErrorRule("401", "", AccessTokenRejected, f"1688 rejects the access token ({TOKEN})"),
    ErrorRule(
        "gw.SignatureInvalid",
        "",
        UpstreamSignature,
        f"1688 rejects the signature: check the app secret ({APP_SECRET})",
    ),
    ErrorRule("gw.SignatureMissing", "", UpstreamSignature, "1688 found no usable signature"),
    ErrorRule("gw.AppKeyMissing", "", UpstreamGateway, "1688 found no app key"),
    ErrorRule("gw.AppKeyNotFound", "", UpstreamGateway, f"1688 does not know the app key ({APP_KEY})"),
    ErrorRule(
        "gw.APIUnsupported", "", UpstreamUnsupported, "1688 has no such operation, or none for this app"
    ),
    ErrorRule("gw.APIACLDecline", "", UpstreamPermission, "the app lacks permission for this operation"),
    ErrorRule("gw.ParamMissing", "", UpstreamArgument, "1688 requires a parameter that was not sent"),
    ErrorRule("gw.Qos*", "", UpstreamRate, "1688's rate limit is reached"),
    ErrorRule("gw.NoUsageLeftError", "", UpstreamQuota, "the purchased number of calls is used up"),
    # 429 and 408 come from a proxy: 1688's own limits have codes. After a 408, the call may have been run.
    ErrorRule("429", "", UpstreamRate, "a proxy in front of 1688 is at its rate limit"),
    ErrorRule("408", "", UpstreamFault, "a proxy in front of 1688 timed out"),
    ErrorRule("5*", "", UpstreamFault, "1688 failed"),
    ErrorRule("*", "", UpstreamGateway, "1688's gateway rejected the call"),
)


class OtherAnswer(NamedTuple):
    """What came in place of a response of 1688."""

    cause: str
    """For the log."""
    text: str
    """For the error. It contains nothing of the answer."""


def find_other_answer(status: int, headers: Mapping[str, str], body: bytes) -> OtherAnswer | None:
    """Return what an answer that is not JSON is; None if 1688's own servers also answer so.

    A page with a status of 5xx is no sign of another server: 1688's servers send it while they fail.
    """
    advice = f"came in place of 1688's response: check {GATEWAY_URL}, and proxies and firewalls on the way"
    is_page = headers.get("content-type", "").startswith("text/html")
    if 300 <= status < 400:
        return OtherAnswer("redirect", f"a redirect {advice}")
    if status < 500 and (is_page or body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")):
        return OtherAnswer("web_page", f"a web page {advice}")
    return None


def error_from_response(
    status: int, response: object, other: OtherAnswer | None = None
) -> UpstreamError | None:
    """Return the gateway's error in a response, or None if the response is the operation's own.

    `response` is the parsed body, or None if it could not be parsed; `other` is what it is then, if known.
    """
    body = response if isinstance(response, dict) else {}
    code, text = _code_and_text(status, body)
    if not code and not text and status < 300:
        return None
    if _is_gateway_code(code):
        matched_by, suffix = code, ""
    else:
        matched_by, suffix = str(status), f" (HTTP {status})" + (f"; {other.text}" if other else "")
    rule = next(rule for rule in ERROR_RULES if fnmatchcase(matched_by, rule.code) and rule.text in text)
    return rule.error(
        rule.message + suffix,
        code=code,
        upstream_message=text,
        upstream_request_id=_to_text(body.get("request_id")),
    )


TOKEN_WORDS = (
    "invalid_grant",
    "invalid_client",
    "invalid_token",
    "unauthorized_client",
    "refresh token",
    "refresh_token",
    "Request need user",
    "User authorization is required",
    "appKey",
)
"""What the text of a response to getToken contains if the credentials are rejected."""
OAUTH_ERRORS = ("invalid_request", "invalid_scope", "unsupported_grant_type")
"""Other errors of OAuth, which 1688 sends without a code."""


def rejects_credentials(error: UpstreamGateway) -> bool:
    """Whether the error of a call of getToken says that 1688 rejects the refresh token or the app.

    A status alone does not: a page with 401, 403, 404 or 302 comes from a proxy or a firewall on the way.
    """
    return (
        error.code == "401"
        or error.code.startswith("gw.AppKey")
        or any(words in error.upstream_message for words in TOKEN_WORDS)
    )


def rejects_app(error: UpstreamGateway) -> bool:
    """Whether the error of a call of getToken that rejects credentials is about those of the app."""
    return error.code.startswith("gw.AppKey") or any(
        words in error.upstream_message for words in ("appKey", "invalid_client", "unauthorized_client")
    )


def is_from_upstream(error: Exception) -> bool:
    """Whether the error of a call of getToken has 1688's own code or words, unlike a page of a proxy."""
    return isinstance(error, UpstreamGateway) and (
        bool(error.code) or error.upstream_message.startswith(OAUTH_ERRORS) or rejects_credentials(error)
    )


def _code_and_text(status: int, body: dict[str, object]) -> tuple[str, str]:
    """Return code and text of a gateway error, in any of its three formats; empty if there is none.

    Responses of operations have members with the same names. So only a status of 400 or more, or a code or
    text that only the gateway uses, shows that the gateway responded, not the operation.
    """
    if not body:
        return "", ""
    code = _to_text(body.get("error_code"))
    if _is_gateway_code(code) or (code and status >= 400):
        return code, _read_text(body, code) or _read_text({"message": body.get("exception")}, code)
    code = _to_text(body.get("errorCode"))
    if code.startswith("gw.") or (code and status >= 400):
        return code, _read_text(body, code)
    text = _read_text({"message": body.get("error")})
    if text and (status >= 400 or "error_description" in body or text.startswith("Request need")):
        return "", f"{text} {_read_text({'message': body.get('error_description')})}".strip()
    return "", ""


def _read_text(body: Mapping[str, object], code: str = "") -> str:
    """Return the texts of an object. Codes in a text that is JSON follow, except for the gateway's code."""
    words = read_error_words({name: value for name, value in body.items() if name not in CODES})
    inner_codes = [f"code: {inner}" for inner in words.codes if inner != code]
    return "; ".join(filter(None, (words.text, *inner_codes)))


def _is_gateway_code(code: str) -> bool:
    # Responses of operations have codes of success, such as 0 and 200.
    return code.startswith("gw.") or (code.isascii() and code.isdigit() and not is_success_code(code))


def _to_text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
