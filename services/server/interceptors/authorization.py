"""Authorization: identifies the caller, and checks the policy."""

import structlog

from services.errors import CallerForbidden, CallerUnknown
from services.server.call import CallContext, CallNext, MethodInfo
from services.server.security.caller import Caller, set_caller
from services.server.security.peer_identity import PeerIdentityResolver
from services.server.security.policy import PolicyFile


class AuthorizationInterceptor:
    """Makes the caller known to logs, audit and handler. Without a policy every caller is allowed."""

    def __init__(
        self, method: MethodInfo, *, resolver: PeerIdentityResolver, policy: PolicyFile | None
    ) -> None:
        self._method = method.descriptor.name
        self._resolver = resolver
        self._policy = policy

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Raise CallerUnknown or CallerForbidden for a call that the policy does not allow."""
        call.identity = self._resolver.resolve(call.grpc_context)
        if call.identity:
            structlog.contextvars.bind_contextvars(caller=call.identity)
        if self._policy:
            if not call.identity:
                raise CallerUnknown("the caller is not known: no client certificate, and none forwarded")
            if not self._policy.current().allows(call.identity, self._method):
                raise CallerForbidden("the caller may not call this method")
        set_caller(Caller(call.identity))
        return await call_next(call)
