"""Who calls, and whether the policy lets them."""

import structlog

from services.errors import CallerForbidden, CallerUnknown
from services.server.call import CallContext, CallNext, Interceptor, MethodInfo
from services.server.security.caller import Caller, set_caller
from services.server.security.peer_identity import PeerIdentityResolver
from services.server.security.policy import PolicyFile


def authorization_interceptor(identities: PeerIdentityResolver, policy: PolicyFile | None) -> Interceptor:
    """Makes the caller known to log, audit and handler; a policy, if there is one, has to allow the call."""

    def layer(rpc: MethodInfo, step: CallNext) -> CallNext:
        method = rpc.descriptor.name

        async def admitted(call: CallContext) -> bytes:
            call.identity = identities.of(call.context)
            if call.identity:
                structlog.contextvars.bind_contextvars(caller=call.identity)
            if policy:
                if not call.identity:
                    raise CallerUnknown("the caller is not known: no client certificate, and none forwarded")
                if not policy.current().allows(call.identity, method):
                    raise CallerForbidden("the caller may not call this method")
            set_caller(Caller(call.identity))
            return await step(call)

        return admitted

    return layer
