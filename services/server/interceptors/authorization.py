"""Authorization: identifies the caller, and checks the policy; of a stream, as long as it runs."""

from functools import partial

from services.caller import set_caller
from services.log_fields import bind_log_fields
from services.server.call import CallContext, CallNext, MethodInfo
from services.server.security.server_security import ServerSecurity


class AuthorizationInterceptor:
    """Makes the caller known to logs, audit and handler. Without a policy every caller is allowed."""

    def __init__(self, method: MethodInfo, *, security: ServerSecurity) -> None:
        self._method = method.descriptor.name
        self._is_streaming = method.is_streaming
        self._security = security

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Raise CallerUnknown or CallerForbidden for a call that the policy does not allow.

        If it no longer allows it, a stream ends with the same error. A unary call may finish.
        """
        peer = self._security.peer_identities.resolve(call.grpc_context)
        call.identity = peer.identity
        if call.identity:
            bind_log_fields(caller=call.identity)
        authorize = partial(self._security.authorize, peer, self._method)
        caller = authorize()
        call.is_operator = caller.is_operator
        set_caller(caller)
        if not self._is_streaming:
            return await call_next(call)
        valid_s = peer.certificate.remaining_s() if peer.certificate else None
        async with self._security.streams.guard(authorize, valid_s):
            return await call_next(call)
