"""The audit log: one line for each call of a method that writes."""

from services.server.call import CallContext, CallNext, MethodInfo
from services.server.telemetry.audit_ids import AuditIds
from services.server.telemetry.logging_config import audit_logger

_DENIED = frozenset({"CALLER_UNKNOWN", "CALLER_FORBIDDEN"})


class AuditInterceptor:
    """Logs the event `audit` at the end of a call: the caller, the outcome, and the ids in the requests."""

    def __init__(self, method: MethodInfo) -> None:
        self._log = audit_logger()
        self._method = method.name

    @classmethod
    def for_method(cls, method: MethodInfo) -> "AuditInterceptor | None":
        """Return None for a method that only reads."""
        return None if method.is_read_only else cls(method)

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Log the call, at any log level."""
        ids = call.audit_ids = AuditIds()
        try:
            return await call_next(call)
        finally:
            self._log.info(
                "audit",
                caller=call.identity,
                method=self._method,
                decision="denied" if call.reason in _DENIED else "allowed",
                outcome=call.reason or call.status.name,
                ids=ids.as_dict(),
            )
