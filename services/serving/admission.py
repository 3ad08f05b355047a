"""Who calls, and whether the policy lets them."""

import structlog

from services.errors import CallerForbidden, CallerUnknown
from services.serving.caller import Caller, enter
from services.serving.identity import Identities
from services.serving.policy import PolicyFile
from services.serving.rpc import Call, Layer, Rpc, Step


def admission(identities: Identities, policy: PolicyFile | None) -> Layer:
    """Makes the caller known to log, audit and handler; a policy, if there is one, has to allow the call."""

    def layer(rpc: Rpc, step: Step) -> Step:
        method = rpc.descriptor.name

        async def admitted(call: Call) -> bytes:
            call.identity = identities.of(call.context)
            if call.identity:
                structlog.contextvars.bind_contextvars(caller=call.identity)
            if policy:
                if not call.identity:
                    raise CallerUnknown("the caller is not known: no client certificate, and none forwarded")
                if not policy.current().allows(call.identity, method):
                    raise CallerForbidden("the caller may not call this method")
            enter(Caller(call.identity))
            return await step(call)

        return admitted

    return layer
