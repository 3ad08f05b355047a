"""The interceptors of every call, in order, and the chain that they form around the handler.

Each module holds one concern: a class that implements `Interceptor` (call.py). Unary calls and streams pass
the same interceptors; they differ in deserialization.py (requests) and in handler_invoker.py (responses).
"""

from collections.abc import Sequence
from functools import partial

from opentelemetry.trace import Tracer

from services.server.call import CallNext, InterceptorFactory, MethodInfo
from services.server.handler_invoker import build_invoker
from services.server.interceptors.access_log import AccessLogInterceptor
from services.server.interceptors.audit import AuditInterceptor
from services.server.interceptors.authorization import AuthorizationInterceptor
from services.server.interceptors.call_limit import CallLimitInterceptor, CallsInFlight
from services.server.interceptors.call_metadata import CallMetadataInterceptor
from services.server.interceptors.deadline import DeadlineInterceptor
from services.server.interceptors.deserialization import DeserializationInterceptor
from services.server.interceptors.dialect import DialectInterceptor
from services.server.interceptors.error_mapping import ErrorMappingInterceptor
from services.server.interceptors.idempotency import IdempotencyInterceptor
from services.server.interceptors.metrics import MetricsInterceptor
from services.server.interceptors.stream_limit import OpenStreams, StreamLimitInterceptor
from services.server.interceptors.tracing import TracingInterceptor
from services.server.request_memory import RequestMemory
from services.server.security.server_security import ServerSecurity
from services.server.settings import ServerSettings


def server_interceptors(
    tracer: Tracer | None, security: ServerSecurity, settings: ServerSettings, memory: RequestMemory
) -> tuple[InterceptorFactory, ...]:
    """Return the interceptors of a server, outermost first."""
    return (
        partial(TracingInterceptor.for_method, tracer=tracer),
        AccessLogInterceptor,
        MetricsInterceptor,
        AuditInterceptor,
        ErrorMappingInterceptor,
        CallMetadataInterceptor,
        partial(AuthorizationInterceptor, security=security),
        partial(CallLimitInterceptor.for_method, calls=CallsInFlight(settings.max_calls_per_caller)),
        partial(StreamLimitInterceptor.for_method, open_streams=OpenStreams(settings)),
        partial(DeadlineInterceptor, limits=settings.deadlines or {}),
        partial(DeserializationInterceptor, memory=memory),
        DialectInterceptor.for_method,
        IdempotencyInterceptor.for_method,
    )


def build_chain(method: MethodInfo, interceptors: Sequence[InterceptorFactory]) -> CallNext:
    """Return the interceptors of a method around its handler. Raises StartupError."""
    call_next = build_invoker(method)
    for build in reversed(interceptors):
        if interceptor := build(method):
            # partial calls the bound method directly: no function of ours is between two interceptors.
            call_next = partial(interceptor.__call__, call_next=call_next)
    return call_next
