"""How an answer is wrapped, per operation and dialect."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from services.sandbox.http.dialect import Dialect


class _Absent:
    """The type of ABSENT."""


ABSENT: Final = _Absent()
"""A payload that is not there, although the call succeeded."""


class Refused(Exception):
    """The API refuses a call: HTTP 200, and an envelope that says so."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class BadArgument(Exception):
    """The API cannot use an argument; each dialect says so in its own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The two forms of an answer."""

    accept: Callable[[Any], Any]
    """Payload -> body."""
    refuse: Callable[[Refused], Any]
    """Refusal -> body."""


def _nested(success: object, failure: object, *, code: str = "200", **more: object) -> Envelope:
    """`more` members stand in a refusal only."""

    def accept(payload: Any) -> Any:
        result = {"success": success, "code": code, "message": "成功"}
        return {"result": result if payload is ABSENT else {**result, "result": payload}}

    def refuse(refused: Refused) -> Any:
        return {"result": {"success": failure, "code": refused.code, "message": refused.message, **more}}

    return Envelope(accept=accept, refuse=refuse)


def _void(code: str, message: str) -> Envelope:
    """Nested, without a payload."""
    return Envelope(
        accept=lambda payload: {"result": {"success": True, "code": code, "message": message}},
        refuse=NESTED.refuse,
    )


def _payment(error_text: str, *, success: object, failure: object) -> Envelope:
    """Flat, the payload's members beside the flag. `error_text` is the member that holds the text."""
    return Envelope(
        accept=lambda payload: {**payload, "success": success},
        refuse=lambda refused: {
            "success": failure,
            "errorCode": refused.code,
            error_text: refused.message,
        },
    )


def _bare(payload: Any) -> Any:
    return payload


def _bare_refusal(refused: Refused) -> Any:
    raise AssertionError(f"an API without an envelope cannot refuse: {refused}")


NESTED: Final = _nested(True, False)
"""open-platform: success is a boolean."""

NESTED_TEXT: Final = _nested("true", "false")
"""open-platform, where success is text: image upload and image search."""

NESTED_REGISTER: Final = _nested(True, False, code="S0000", result=False)
"""open-platform register: the outcome is a boolean."""

NESTED_NULLS: Final = Envelope(
    accept=lambda payload: {"result": {"success": True, "code": None, "message": None, "result": payload}},
    refuse=NESTED.refuse,
)
"""Refunds and their vouchers: neither code nor text if the call succeeds."""

NESTED_ERROR: Final = Envelope(
    accept=lambda payload: {"result": {"success": True, "errorCode": None, "errorInfo": None}},
    refuse=lambda refused: {
        "result": {"success": False, "errorCode": refused.code, "errorInfo": refused.message}
    },
)
"""The return of goods: no payload, and names of its own."""

VOID: Final = _void("200", "成功")
"""open-platform syncs."""

VOID_RELATION: Final = _void("0", "")
"""open-platform relations."""

ALIPAY: Final = _payment("erroMsg", success=True, failure=False)
"""The text's name is misspelt on the platform."""

CROSS_BORDER_PAY: Final = _payment("errorMsg", success=True, failure="false")
"""Declared as text, shown as a boolean: the boolean is what its sample has. So are the pay ways."""

CREDIT_PAY: Final = _payment("errorMsg", success="true", failure="false")

FLAT: Final = Envelope(
    accept=lambda payload: {
        "success": True,
        "code": "S0000",
        "message": "success",
        "data": None if payload is ABSENT else payload,
        "result": True,
    },
    refuse=lambda refused: {
        "success": False,
        "code": refused.code,
        "message": refused.message,
        "data": None,
        "result": False,
    },
)
"""national-site."""

FLAT_REGISTER: Final = Envelope(
    accept=lambda payload: {"success": True, "code": "S0000", "message": "success", "result": payload},
    refuse=lambda refused: {
        "success": False,
        "code": refused.code,
        "message": refused.message,
        "result": False,
    },
)
"""national-site register: no data member, the result is the outcome."""

CATEGORY: Final = Envelope(
    accept=lambda payload: {"succes": "true", "categoryInfo": payload},
    refuse=lambda refused: {"succes": "false", "errorMsg": refused.message, "errorCode": refused.code},
)
"""The same in both dialects; the flag is misspelt on the platform."""

BARE: Final = Envelope(accept=_bare, refuse=_bare_refusal)
"""No envelope at all."""

BAD_ARGUMENT: Final = {
    Dialect.NATIONAL_SITE: ("E0001", "illegal argument"),
    Dialect.OPEN_PLATFORM: ("400", "参数错误"),
    Dialect.EITHER: ("500_1", "系统异常"),
}
"""Code and text for a BadArgument; no public trace shows the real ones."""
