"""One line for each call of an RPC that writes: who called, what became of it, and the ids it named."""

from google.protobuf.descriptor_pb2 import MethodOptions

from services.server.call import CallContext, CallNext, MethodInfo
from services.server.telemetry.audit_ids import AuditIds
from services.server.telemetry.logs import audit_logger

_REFUSED = frozenset({"CALLER_UNKNOWN", "CALLER_FORBIDDEN"})


def audit_interceptor(rpc: MethodInfo, step: CallNext) -> CallNext:
    """Logs the event `audit`, at any log level, when a call of a writing RPC ends."""
    if rpc.descriptor.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS:
        return step
    log = audit_logger()

    async def audited(call: CallContext) -> bytes:
        ids = call.ids = AuditIds()
        try:
            return await step(call)
        finally:
            log.info(
                "audit",
                caller=call.identity,
                method=rpc.name,
                decision="refused" if call.reason in _REFUSED else "admitted",
                outcome=call.reason or call.status.name,
                ids=ids.told(),
            )

    return audited
