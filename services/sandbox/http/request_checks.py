"""What the gateway checks before an API runs, in its order."""

from collections.abc import Mapping

from services.sandbox.credentials import APP_KEY, APP_SECRET
from services.sandbox.http.gateway_errors import GatewayRefusal, gateway_error
from services.sandbox.http.operation import Operation
from services.sandbox.http.request import Call
from services.sandbox.http.signature import SIGNATURE, sign
from services.sandbox.state import State


def find_operation(operations: Mapping[tuple[str, str], Operation], call: Call) -> Operation:
    """The first check: the API exists, in this version and under this protocol."""
    operation = operations.get((call.namespace, call.name))
    if operation is None or call.version != operation.version or call.protocol not in operation.protocols:
        raise GatewayRefusal(gateway_error("api_unsupported"))
    return operation


def signature_is_valid(call: Call) -> bool | None:
    """Whether the signature fits the call; None if there is none."""
    signature = call.parameters.get(SIGNATURE)
    return signature == sign(APP_SECRET, call.string_to_sign) if signature else None


class Checks:
    """The checks between the first, that the API exists, and the last, that its arguments are there."""

    def __init__(self, state: State) -> None:
        self._state = state

    def run(self, call: Call, operation: Operation) -> None:
        """Raises the refusal of the first check that fails."""
        for check in (self._app_key, self._signature, self._timestamp, self._token, self._permission):
            check(call, operation)

    def _app_key(self, call: Call, operation: Operation) -> None:
        if call.app_key is None:
            raise GatewayRefusal(gateway_error("app_key_missing"))
        if call.app_key != APP_KEY:
            raise GatewayRefusal(gateway_error("app_key_not_found"))

    def _signature(self, call: Call, operation: Operation) -> None:
        if not operation.signed:
            return
        valid = signature_is_valid(call)
        if valid is None:
            raise GatewayRefusal(gateway_error("signature_missing"))
        if not valid:
            raise GatewayRefusal(gateway_error("signature_invalid"))

    def _timestamp(self, call: Call, operation: Operation) -> None:
        timestamp = call.parameters.get("_aop_timestamp")
        if operation.signed and timestamp is not None and not self._state.clock.accepts(timestamp):
            raise GatewayRefusal(gateway_error("timestamp_expired"))

    def _token(self, call: Call, operation: Operation) -> None:
        if not operation.needs_token:
            return
        token = call.parameters.get("access_token")
        if not token:
            raise GatewayRefusal(gateway_error("token_missing"))
        if not self._state.tokens.is_valid(token):
            raise GatewayRefusal(gateway_error("token_invalid"))

    def _permission(self, call: Call, operation: Operation) -> None:
        self._state.limits.permit(operation.name)
        if operation.signed:
            self._state.limits.count(operation.name)
