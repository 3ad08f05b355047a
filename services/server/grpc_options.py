"""Channel arguments of the gRPC server: limits of connections, and keepalive."""

from typing import TypeAlias

from google.protobuf.descriptor import ServiceDescriptor

from services.server.settings import ServerSettings
from services.validation import get_request_bounds

Options: TypeAlias = tuple[tuple[str, int], ...]

_MARGIN_BYTES = 64 * 1024
"""gRPC itself rejects only larger requests, because its errors have no details."""
_FIXED: Options = (
    ("grpc.max_metadata_size", 16 * 1024),  # large enough for a forwarded certificate
    ("grpc.absolute_max_metadata_size", 16 * 1024),  # the same: between two limits gRPC rejects randomly
    (
        "grpc.max_concurrent_streams",
        1000,
    ),  # calls in flight on a connection; further calls wait at the caller
    # Calls that wait to be handled. Above the first number gRPC cancels some, of any caller and without a
    # reason; above the second it cancels all. By default this is 1,000 and 3,000.
    ("grpc.server.max_pending_requests", 20_000),
    ("grpc.server.max_pending_requests_hard_limit", 30_000),
    # By default gRPC raises the window of each call to some MiB, which arrive although nothing reads them.
    # With this the window is 64 KiB, and larger only for a request that is read.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.server_handshake_timeout_ms", 20_000),
    ("grpc.so_reuseport", 0),  # a port in use is an error; by default two processes would share it
    ("grpc.keepalive_time_ms", 60_000),  # detects callers that are gone
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # callers may send keepalives this often
    ("grpc.keepalive_permit_without_calls", 1),
)


def max_message_bytes(service: ServiceDescriptor) -> int:
    """Return the size of the largest message that gRPC accepts, for any RPC of the service."""
    return max(get_request_bounds(method.input_type).max_bytes for method in service.methods) + _MARGIN_BYTES


def server_options(settings: ServerSettings, service: ServiceDescriptor) -> Options:
    """Return the options of a server. gRPC itself varies the age of each connection by up to a tenth."""
    size: Options = (("grpc.max_receive_message_length", max_message_bytes(service)),)
    age: Options = ()
    if settings.connection_age_s:
        age = (
            ("grpc.max_connection_age_ms", round(settings.connection_age_s * 1000)),
            ("grpc.max_connection_age_grace_ms", round(settings.connection_age_grace_s * 1000)),
        )
    return (*_FIXED, *size, *age, ("grpc.enable_channelz", int(settings.channelz)))
