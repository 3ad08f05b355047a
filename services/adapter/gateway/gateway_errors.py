"""The gateway's errors: one table from code, status and text to our exceptions."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

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


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """One row of the table. The first row that matches a response is used."""

    code: str
    """Pattern of the gateway's code, or of the HTTP status if the body has no code; * matches any text."""
    text: str
    """A part of the text; empty matches any text."""
    error: type[UpstreamError]
    message: str
    """The status message for the caller."""


ERROR_RULES = (
    ErrorRule(
        "*", "Request is expired", TimestampRejected, "1688 rejects the request's timestamp as expired"
    ),
    ErrorRule("*", "Request need user authorized", AccessTokenRejected, "1688 rejects the access token"),
    ErrorRule("*", "Request need user authenticated", CredentialRejected, "1688 requires an access token"),
    ErrorRule("401", "User authorization is required", CredentialRejected, "1688 requires an access token"),
    ErrorRule("401", "", AccessTokenRejected, "1688 rejects the access token"),
    ErrorRule(
        "gw.SignatureInvalid", "", UpstreamSignature, "1688 rejects the signature: check the app secret"
    ),
    ErrorRule("gw.SignatureMissing", "", UpstreamSignature, "1688 found no usable signature"),
    ErrorRule("gw.AppKeyMissing", "", UpstreamGateway, "1688 found no app key"),
    ErrorRule("gw.AppKeyNotFound", "", UpstreamGateway, "1688 does not know the app key"),
    ErrorRule(
        "gw.APIUnsupported", "", UpstreamUnsupported, "1688 has no such operation, or none for this app"
    ),
    ErrorRule("gw.APIACLDecline", "", UpstreamPermission, "the app lacks permission for this operation"),
    ErrorRule("gw.ParamMissing", "", UpstreamArgument, "1688 requires a parameter that was not sent"),
    ErrorRule("gw.Qos*", "", UpstreamRate, "1688's rate limit is reached"),
    ErrorRule("gw.NoUsageLeftError", "", UpstreamQuota, "the purchased number of calls is used up"),
    # From a proxy in front of 1688: 1688's own limits have codes. At a 408, 1688 may have executed the call.
    ErrorRule("429", "", UpstreamRate, "a proxy in front of 1688 is at its rate limit"),
    ErrorRule("408", "", UpstreamFault, "a proxy in front of 1688 timed out"),
    ErrorRule("5*", "", UpstreamFault, "1688 failed"),
    ErrorRule("*", "", UpstreamGateway, "1688's gateway rejected the call"),
)


def error_from_response(status: int, response: object) -> UpstreamError | None:
    """Return the gateway's error in a response, or None if the operation itself responded.

    `response` is the parsed body, or None if it could not be parsed.
    """
    body = response if isinstance(response, dict) else {}
    code, text = _code_and_text(status, body)
    if not code and not text and status < 300:
        return None
    if _is_gateway_code(code):
        matched_by, suffix = code, ""
    else:
        matched_by, suffix = str(status), f" (HTTP {status})"
    rule = next(rule for rule in ERROR_RULES if fnmatchcase(matched_by, rule.code) and rule.text in text)
    return rule.error(
        rule.message + suffix, code=code, upstream_message=text, request_id=_to_text(body.get("request_id"))
    )


def _code_and_text(status: int, body: dict[str, object]) -> tuple[str, str]:
    """Return code and text of a gateway error, in any of its three spellings; empty if there is none.

    Responses of operations use the same names. So the status, or the form of the code, must prove that the
    gateway responded.
    """
    code = _to_text(body.get("error_code"))
    if _is_gateway_code(code) or (code and status >= 400):
        return code, _to_text(body.get("error_message")) or _to_text(body.get("exception"))
    code = _to_text(body.get("errorCode"))
    if code.startswith("gw.") or (code and status >= 400):
        return code, _to_text(body.get("errorMessage"))
    text = _to_text(body.get("error"))
    if text and (status >= 400 or "error_description" in body or text.startswith("Request need")):
        return "", f"{text} {_to_text(body.get('error_description'))}".strip()
    return "", ""


def _is_gateway_code(code: str) -> bool:
    # Zeros stand for success, as in the responses of operations.
    return code.startswith("gw.") or (code.isascii() and code.isdigit() and code.strip("0") != "")


def _to_text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
