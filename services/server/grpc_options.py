"""Channel arguments of the gRPC server: limits of connections, and keepalive."""

from typing import TypeAlias

from services.server.settings import ServerSettings

Options: TypeAlias = tuple[tuple[str, int], ...]

_FIXED: Options = (
    ("grpc.max_receive_message_length", 8 * 1024 * 1024),  # an image of 5 MiB and more
    ("grpc.max_metadata_size", 16 * 1024),  # large enough for a forwarded certificate
    ("grpc.absolute_max_metadata_size", 16 * 1024),  # between the two limits gRPC would reject at random
    (
        "grpc.max_concurrent_streams",
        1000,
    ),  # calls in flight on a connection; further calls wait at the caller
    ("grpc.server_handshake_timeout_ms", 20_000),
    ("grpc.so_reuseport", 0),  # a port in use is an error; the default would share its connections
    ("grpc.keepalive_time_ms", 60_000),  # detects callers that are gone
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # callers may send keepalives so often
    ("grpc.keepalive_permit_without_calls", 1),
)


def server_options(settings: ServerSettings) -> Options:
    """Return the options of a server. gRPC itself varies the age of each connection by up to a tenth."""
    age: Options = ()
    if settings.connection_age_s:
        age = (
            ("grpc.max_connection_age_ms", round(settings.connection_age_s * 1000)),
            ("grpc.max_connection_age_grace_ms", round(settings.connection_age_grace_s * 1000)),
        )
    return (*_FIXED, *age, ("grpc.enable_channelz", int(settings.channelz)))
