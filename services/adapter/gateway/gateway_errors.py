"""What the gateway refused, and why: its error bodies as one table."""

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
    """A gateway error. The first row that matches counts."""

    code: str
    """The gateway's code, or the HTTP status where the body holds none; * stands for any rest."""
    text: str
    """A part of the text; empty matches any."""
    error: type[UpstreamError]
    message: str
    """What the caller is told."""


ROWS = (
    ErrorRule(
        "*", "Request is expired", TimestampRejected, "1688 holds the request's timestamp to be expired"
    ),
    ErrorRule("*", "Request need user authorized", AccessTokenRejected, "1688 refuses the access token"),
    ErrorRule("*", "Request need user authenticated", CredentialRejected, "1688 misses the access token"),
    ErrorRule("401", "User authorization is required", CredentialRejected, "1688 misses the access token"),
    ErrorRule("401", "", AccessTokenRejected, "1688 refuses the access token"),
    ErrorRule(
        "gw.SignatureInvalid", "", UpstreamSignature, "1688 refuses the signature: check the app secret"
    ),
    ErrorRule("gw.SignatureMissing", "", UpstreamSignature, "1688 found no usable signature"),
    ErrorRule("gw.AppKeyMissing", "", UpstreamGateway, "1688 found no app key"),
    ErrorRule("gw.AppKeyNotFound", "", UpstreamGateway, "1688 does not know the app key"),
    ErrorRule(
        "gw.APIUnsupported", "", UpstreamUnsupported, "1688 has no such operation, or none for this app"
    ),
    ErrorRule("gw.APIACLDecline", "", UpstreamPermission, "the app lacks permission for this operation"),
    ErrorRule("gw.ParamMissing", "", UpstreamArgument, "1688 misses a parameter"),
    ErrorRule("gw.Qos*", "", UpstreamRate, "1688's frequency limit is reached"),
    ErrorRule("gw.NoUsageLeftError", "", UpstreamQuota, "the purchased number of calls is used up"),
    # Of a proxy on the way, since 1688's own limits have codes; the second may come while 1688 is at work.
    ErrorRule("429", "", UpstreamRate, "the way to 1688 is at its frequency limit"),
    ErrorRule("408", "", UpstreamFault, "the way to 1688 took too long"),
    ErrorRule("5*", "", UpstreamFault, "1688 failed"),
    ErrorRule("*", "", UpstreamGateway, "1688's gateway refused the call"),
)


def error_from_reply(status: int, reply: object) -> UpstreamError | None:
    """Return the gateway's error in an answer, or None where the operation itself answered.

    `reply` is the parsed body, or None where it could not be parsed.
    """
    body = reply if isinstance(reply, dict) else {}
    code, text = _told(status, body)
    if not code and not text and status < 300:
        return None
    known_by, message_end = (code, "") if _is_of_the_gateway(code) else (str(status), f" (HTTP {status})")
    row = next(row for row in ROWS if fnmatchcase(known_by, row.code) and row.text in text)
    return row.error(
        row.message + message_end, code=code, upstream_message=text, request_id=_text(body.get("request_id"))
    )


def _told(status: int, body: dict[str, object]) -> tuple[str, str]:
    """Return the code and text of a gateway error, in whichever spelling; empty where there is none.

    Business answers use these names too, so a status or something else must speak for the gateway.
    """
    code = _text(body.get("error_code"))
    if _is_of_the_gateway(code) or (code and status >= 400):
        return code, _text(body.get("error_message")) or _text(body.get("exception"))
    code = _text(body.get("errorCode"))
    if code.startswith("gw.") or (code and status >= 400):
        return code, _text(body.get("errorMessage"))
    text = _text(body.get("error"))
    if text and (status >= 400 or "error_description" in body or text.startswith("Request need")):
        return "", f"{text} {_text(body.get('error_description'))}".strip()
    return "", ""


def _is_of_the_gateway(code: str) -> bool:
    return code.startswith("gw.") or (code.isascii() and code.isdigit())


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
