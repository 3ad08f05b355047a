"""The audit log: one line for each call of a method that writes, and for each read of an operator."""

from services.server.call import CallContext, CallNext, MethodInfo
from services.server.telemetry.audit_ids import bind_audit_ids
from services.server.telemetry.logging_config import audit_logger

_DENIED = frozenset({"CALLER_UNKNOWN", "CALLER_FORBIDDEN"})


class AuditInterceptor:
    """Logs the event `audit` at the end of a call: the caller, the outcome, and the ids in the requests.

    A read is logged if its caller is an operator, with the ids of what the response contains.
    """

    def __init__(self, method: MethodInfo) -> None:
        self._log = audit_logger().bind()
        self._method = method.name
        self._is_read_only = method.is_read_only

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Log the call, even if the configured log level would suppress the line."""
        ids = call.audit_ids = bind_audit_ids()
        try:
            return await call_next(call)
        finally:
            if call.is_operator or not self._is_read_only:
                role = {"role": "operator"} if call.is_operator else {}
                self._log.info(
                    "audit",
                    caller=call.identity,
                    **role,
                    method=self._method,
                    decision="denied" if call.reason in _DENIED else "allowed",
                    outcome=call.reason or call.status.name,
                    ids=ids.as_dict(),
                )
