"""The errors of the gateway itself: those that are publicly known, and no others."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayError:
    """One error of the gateway."""

    code: str
    message: str
    status: int = 400
    """The HTTP status."""

    def to_json(self) -> dict[str, str]:
        """Return the JSON body of the response."""
        return {"error_code": self.code, "error_message": self.message, "exception": self.message}


class GatewayRejection(Exception):
    """The gateway rejects a call before the operation runs."""

    def __init__(self, name: str, *details: str) -> None:
        self.error = build_gateway_error(name, *details)
        super().__init__(self.error.code)


_EXPIRED = "com.alibaba.openapi.exception.request.RequestValidateException: Request is expired."
_TIMESTAMP_REQUIRED = "API need time stamp verify, so request must has _aop_timestamp."

# name -> code, message, HTTP status
_ERRORS: Mapping[str, tuple[str, str, int]] = {
    "api_unsupported": ("gw.APIUnsupported", "API unsupported", 400),
    "app_key_missing": ("gw.AppKeyMissing", "AppKey missing", 400),
    "app_key_not_found": ("gw.AppKeyNotFound", "AppKey not found", 400),
    "signature_missing": ("gw.SignatureMissing", "Signature missing", 400),
    "signature_invalid": ("gw.SignatureInvalid", "Invalid signature", 400),
    "timestamp_expired": ("400", _EXPIRED, 400),
    "timestamp_missing": ("400", _TIMESTAMP_REQUIRED, 400),
    "token_invalid": ("401", "Request need user authorized", 401),
    "token_missing": ("401", "Request need user authenticated", 401),
    "acl_decline": ("gw.APIACLDecline", "AppKey is not allowed(acl)", 400),
    "app_frequency_limit": ("gw.QosAppFrequencyLimit", "App call exceeds limited frequency", 400),
    "api_frequency_limit": ("gw.QosAPIFrequencyLimit", "API call exceeds limited frequency", 400),
    "no_usage_left": ("gw.NoUsageLeftError", "SLA bill has no usage left", 400),
    "param_missing": ("gw.ParamMissing", "Required argument {}", 400),
    "param_illegal": ("400", "Illegal argument {} : expect [{}] but [{}]", 400),
}


def build_gateway_error(name: str, *details: str) -> GatewayError:
    """Return the error with this name; `details` replace the placeholders of its message."""
    code, message, status = _ERRORS[name]
    return GatewayError(code=code, message=message.format(*details), status=status)


def find_gateway_error(name_or_code: str) -> GatewayError | None:
    """Return the error with this name, or the first with this code, with example details in its message."""
    example_details = ("offerId", "Long", "String")
    if name_or_code in _ERRORS:
        return build_gateway_error(name_or_code, *example_details)
    return next(
        (
            build_gateway_error(name, *example_details)
            for name, (code, _, _) in _ERRORS.items()
            if code == name_or_code
        ),
        None,
    )
