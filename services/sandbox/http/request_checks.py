"""The checks that the gateway makes before an operation runs, in the gateway's order."""

from collections.abc import Mapping

from services.sandbox.credentials import APP_KEY, APP_SECRET
from services.sandbox.http.gateway_errors import GatewayRejection
from services.sandbox.http.operation import Operation
from services.sandbox.http.request import ApiCall
from services.sandbox.http.signature import SIGNATURE, sign
from services.sandbox.state import State


def find_operation(operations: Mapping[tuple[str, str], Operation], call: ApiCall) -> Operation:
    """Return the operation of a call. Raises GatewayRejection if API, version or protocol is unknown."""
    operation = operations.get((call.namespace, call.name))
    if operation is None or call.version != operation.version or call.protocol not in operation.protocols:
        raise GatewayRejection("api_unsupported")
    return operation


def is_signature_valid(call: ApiCall) -> bool | None:
    """Return whether the signature of a call is valid; None if it has none."""
    signature = call.parameters.get(SIGNATURE)
    return signature == sign(APP_SECRET, call.string_to_sign) if signature else None


class RequestChecks:
    """Checks app key, signature, timestamp, token and limits.

    `find_operation` runs before them, `DialectSpec.parse_arguments` after them.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def run(self, call: ApiCall, operation: Operation) -> None:
        """Run the checks. Raises the GatewayRejection of the first that fails."""
        for check in (
            self._check_app_key,
            self._check_signature,
            self._check_timestamp,
            self._check_token,
            self._check_limits,
        ):
            check(call, operation)

    def _check_app_key(self, call: ApiCall, operation: Operation) -> None:
        if call.app_key is None:
            raise GatewayRejection("app_key_missing")
        if call.app_key != APP_KEY:
            raise GatewayRejection("app_key_not_found")

    def _check_signature(self, call: ApiCall, operation: Operation) -> None:
        if not operation.requires_signature:
            return
        valid = is_signature_valid(call)
        if valid is None:
            raise GatewayRejection("signature_missing")
        if not valid:
            raise GatewayRejection("signature_invalid")

    def _check_timestamp(self, call: ApiCall, operation: Operation) -> None:
        timestamp = call.parameters.get("_aop_timestamp")
        if (
            operation.requires_signature
            and timestamp is not None
            and not self._state.clock.accepts_timestamp(timestamp)
        ):
            raise GatewayRejection("timestamp_expired")

    def _check_token(self, call: ApiCall, operation: Operation) -> None:
        if not operation.requires_token:
            return
        token = call.parameters.get("access_token")
        if not token:
            raise GatewayRejection("token_missing")
        if not self._state.tokens.is_valid(token):
            raise GatewayRejection("token_invalid")

    def _check_limits(self, call: ApiCall, operation: Operation) -> None:
        self._state.limits.check_permission(operation.name)
        if operation.requires_signature:
            self._state.limits.acquire(operation.name)
