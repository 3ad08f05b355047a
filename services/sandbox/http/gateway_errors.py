"""The refusals of the gateway itself: every one that is publicly known, and no other."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayError:
    """One refusal."""

    code: str
    message: str
    status: int = 400

    def body(self) -> dict[str, str]:
        """The JSON body of the answer."""
        return {"error_code": self.code, "error_message": self.message, "exception": self.message}


class GatewayRefusal(Exception):
    """The gateway refuses a call before the API runs."""

    def __init__(self, error: GatewayError) -> None:
        super().__init__(error.code)
        self.error = error


_EXPIRED = "com.alibaba.openapi.exception.request.RequestValidateException: Request is expired."
_TIMESTAMP_NEEDED = "API need time stamp verify, so request must has _aop_timestamp."

# name -> code, text, HTTP status
_ROWS: Mapping[str, tuple[str, str, int]] = {
    "api_unsupported": ("gw.APIUnsupported", "API unsupported", 400),
    "app_key_missing": ("gw.AppKeyMissing", "AppKey missing", 400),
    "app_key_not_found": ("gw.AppKeyNotFound", "AppKey not found", 400),
    "signature_missing": ("gw.SignatureMissing", "Signature missing", 400),
    "signature_invalid": ("gw.SignatureInvalid", "Invalid signature", 400),
    "timestamp_expired": ("400", _EXPIRED, 400),
    "timestamp_missing": ("400", _TIMESTAMP_NEEDED, 400),
    "token_invalid": ("401", "Request need user authorized", 401),
    "token_missing": ("401", "Request need user authenticated", 401),
    "acl_decline": ("gw.APIACLDecline", "AppKey is not allowed(acl)", 400),
    "app_frequency_limit": ("gw.QosAppFrequencyLimit", "App call exceeds limited frequency", 400),
    "api_frequency_limit": ("gw.QosAPIFrequencyLimit", "API call exceeds limited frequency", 400),
    "no_usage_left": ("gw.NoUsageLeftError", "SLA bill has no usage left", 400),
    "param_missing": ("gw.ParamMissing", "Required argument {}", 400),
    "param_illegal": ("400", "Illegal argument {} : expect [{}] but [{}]", 400),
}


def gateway_error(name: str, *details: str) -> GatewayError:
    """The error of this name; `details` fill the blanks of its text."""
    code, text, status = _ROWS[name]
    return GatewayError(code=code, message=text.format(*details), status=status)


def find_error(name_or_code: str) -> GatewayError | None:
    """The error of this name, or the first of this code, with its blanks filled by examples."""
    example = ("offerId", "Long", "String")
    if name_or_code in _ROWS:
        return gateway_error(name_or_code, *example)
    return next(
        (gateway_error(name, *example) for name, row in _ROWS.items() if row[0] == name_or_code), None
    )
