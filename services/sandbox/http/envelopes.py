"""Envelopes: how a payload or a business error is wrapped in a response."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from services.sandbox.http.dialect import Dialect


class _NoPayload:
    """The type of NO_PAYLOAD."""


NO_PAYLOAD: Final = _NoPayload()
"""The call succeeded, and its response has no payload."""


class BusinessError(Exception):
    """The operation rejects a call: the HTTP status is usually 200, and the envelope has the error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class InvalidArgument(Exception):
    """An argument is invalid. Each dialect has its own code and message for this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The two forms of a response: success and error."""

    wrap_payload: Callable[[Any], Any]
    """Payload -> body."""
    wrap_error: Callable[[BusinessError], Any]
    """Error -> body."""


def _nested(success: object, failure: object, *, code: str = "200", **error_members: object) -> Envelope:
    """All members are inside `result`. `success` and `failure` are the values of the flag.

    `error_members` are added to errors only.
    """

    def wrap_payload(payload: Any) -> Any:
        result = {"success": success, "code": code, "message": "成功"}
        return {"result": result if payload is NO_PAYLOAD else {**result, "result": payload}}

    def wrap_error(error: BusinessError) -> Any:
        return {"result": {"success": failure, "code": error.code, "message": error.message, **error_members}}

    return Envelope(wrap_payload=wrap_payload, wrap_error=wrap_error)


def _void(code: str, message: str) -> Envelope:
    """As `_nested`, but without a payload."""
    return Envelope(
        wrap_payload=lambda payload: {"result": {"success": True, "code": code, "message": message}},
        wrap_error=NESTED.wrap_error,
    )


def _flat_payload(message_member: str, *, success: object, failure: object) -> Envelope:
    """Flat: the members of the payload are beside the flag. `message_member` has the error message."""
    return Envelope(
        wrap_payload=lambda payload: {**payload, "success": success},
        wrap_error=lambda error: {
            "success": failure,
            "errorCode": error.code,
            message_member: error.message,
        },
    )


def _identity(payload: Any) -> Any:
    return payload


def _reject_error(error: BusinessError) -> Any:
    raise AssertionError(f"an API without an envelope cannot return an error: {error}")


NESTED: Final = _nested(True, False)
"""open-platform, where the flag is a boolean."""

NESTED_TEXT: Final = _nested("true", "false")
"""open-platform, where the flag is text: image upload and image search."""

NESTED_REGISTER: Final = _nested(True, False, code="S0000", result=False)
"""The operation that registers a buyer, in open-platform: the payload is a boolean."""

NESTED_NULL_CODE: Final = Envelope(
    wrap_payload=lambda payload: {
        "result": {"success": True, "code": None, "message": None, "result": payload}
    },
    wrap_error=NESTED.wrap_error,
)
"""Refunds and their vouchers: code and message are null if the call succeeds."""

NESTED_ERROR_INFO: Final = Envelope(
    wrap_payload=lambda payload: {"result": {"success": True, "errorCode": None, "errorInfo": None}},
    wrap_error=lambda error: {
        "result": {"success": False, "errorCode": error.code, "errorInfo": error.message}
    },
)
"""The return of goods: no payload, and other member names."""

VOID: Final = _void("200", "成功")
"""open-platform syncs."""

VOID_RELATION: Final = _void("0", "")
"""open-platform relations."""

ALIPAY: Final = _flat_payload("erroMsg", success=True, failure=False)
"""1688 misspells the member with the error message."""

CROSS_BORDER_PAY: Final = _flat_payload("errorMsg", success=True, failure="false")
"""Also used for payment channels. 1688 documents the flag as text, but its sample has a boolean."""

FLAT_ERROR_MSG: Final = _flat_payload("errorMsg", success=True, failure=False)
"""The preview of an order, and the list of refunds."""

FLAT_ERROR_MESSAGE: Final = _flat_payload("errorMessage", success=True, failure=False)
"""Cancellation of an order, logistics orders and traces."""

NO_FLAG: Final = Envelope(
    wrap_payload=_identity,
    wrap_error=lambda error: {"errorCode": error.code, "errorMessage": error.message},
)
"""The list of orders, most reads of refunds, and parsed addresses: there is no flag."""

CONFIRMATION: Final = Envelope(
    wrap_payload=lambda payload: {"result": {"success": True}},
    wrap_error=lambda error: {
        "result": {"success": False, "errorCode": error.code, "errorInfo": error.message}
    },
)
"""The confirmation of a receipt, and the cancellation of a refund. There is no payload."""

CREDIT_PAY: Final = _flat_payload("errorMsg", success="true", failure="false")

FLAT: Final = Envelope(
    wrap_payload=lambda payload: {
        "success": True,
        "code": "S0000",
        "message": "success",
        "data": None if payload is NO_PAYLOAD else payload,
        "result": True,
    },
    wrap_error=lambda error: {
        "success": False,
        "code": error.code,
        "message": error.message,
        "data": None,
        "result": False,
    },
)
"""national-site."""

FLAT_REGISTER: Final = Envelope(
    wrap_payload=lambda payload: {"success": True, "code": "S0000", "message": "success", "result": payload},
    wrap_error=lambda error: {
        "success": False,
        "code": error.code,
        "message": error.message,
        "result": False,
    },
)
"""The operation that registers a buyer, in national-site: `result` is the payload, and there is no `data`."""

CATEGORY: Final = Envelope(
    wrap_payload=lambda payload: {"succes": "true", "categoryInfo": payload},
    wrap_error=lambda error: {"succes": "false", "errorMsg": error.message, "errorCode": error.code},
)
"""The same in both dialects. 1688 misspells the flag."""

NO_ENVELOPE: Final = Envelope(wrap_payload=_identity, wrap_error=_reject_error)
"""The payload is the body."""

INVALID_ARGUMENT_ERRORS: Final = {
    Dialect.NATIONAL_SITE: ("E0001", "illegal argument"),
    Dialect.OPEN_PLATFORM: ("400", "参数错误"),
    Dialect.BOTH: ("500_1", "系统异常"),
}
"""Code and message for InvalidArgument. They are assumptions: not documented."""
