"""One line for each call of an RPC that writes: who called, what became of it, and the ids it named."""

from google.protobuf.descriptor_pb2 import MethodOptions

from services.serving.ids import Ids
from services.serving.logs import unfiltered
from services.serving.rpc import Call, Rpc, Step

_REFUSED = frozenset({"CALLER_UNKNOWN", "CALLER_FORBIDDEN"})


def audit(rpc: Rpc, step: Step) -> Step:
    """Logs the event `audit`, at any log level, when a call of a writing RPC ends."""
    if rpc.descriptor.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS:
        return step
    log = unfiltered()

    async def audited(call: Call) -> bytes:
        ids = call.ids = Ids()
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
