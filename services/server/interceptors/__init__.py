"""The interceptors of every call, in order, and the chain that they form around the handler.

Each module holds one concern: a class that implements `Interceptor` (call.py). Unary calls and streams pass
the same interceptors; they differ in deserialization.py (requests) and in handler_invoker.py (responses).
"""

from collections.abc import Mapping, Sequence
from functools import partial

from opentelemetry.trace import Tracer

from services.server.call import CallNext, InterceptorFactory, MethodInfo
from services.server.handler_invoker import build_invoker
from services.server.interceptors.access_log import AccessLogInterceptor
from services.server.interceptors.audit import AuditInterceptor
from services.server.interceptors.authorization import AuthorizationInterceptor
from services.server.interceptors.call_metadata import CallMetadataInterceptor
from services.server.interceptors.deadline import DeadlineInterceptor
from services.server.interceptors.deserialization import DeserializationInterceptor
from services.server.interceptors.error_mapping import ErrorMappingInterceptor
from services.server.interceptors.idempotency import IdempotencyInterceptor
from services.server.interceptors.metrics import MetricsInterceptor
from services.server.interceptors.tracing import TracingInterceptor
from services.server.security.server_security import ServerSecurity
from services.server.settings import DeadlineLimits


def server_interceptors(
    tracer: Tracer | None, security: ServerSecurity, limits: Mapping[str, DeadlineLimits]
) -> tuple[InterceptorFactory, ...]:
    """Return the interceptors of a server, outermost first."""
    return (
        partial(TracingInterceptor.for_method, tracer=tracer),
        AccessLogInterceptor,
        MetricsInterceptor,
        AuditInterceptor.for_method,
        ErrorMappingInterceptor,
        CallMetadataInterceptor,
        partial(AuthorizationInterceptor, resolver=security.peer_identities, policy=security.policy),
        partial(DeadlineInterceptor, limits=limits),
        DeserializationInterceptor,
        IdempotencyInterceptor.for_method,
    )


def build_chain(method: MethodInfo, interceptors: Sequence[InterceptorFactory]) -> CallNext:
    """Return the interceptors of a method around its handler. Raises StartupError."""
    call_next = build_invoker(method)
    for build in reversed(interceptors):
        if interceptor := build(method):
            # A partial of the bound method: the chain adds no stack frame of its own.
            call_next = partial(interceptor.__call__, call_next=call_next)
    return call_next
