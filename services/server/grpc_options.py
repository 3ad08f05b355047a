"""What gRPC's core is told: bounds on what a connection may cost, and how vanished callers are found."""

from typing import TypeAlias

from services.server.settings import ServerSettings

Options: TypeAlias = tuple[tuple[str, int], ...]

_FIXED: Options = (
    ("grpc.max_receive_message_length", 8 * 1024 * 1024),  # a picture of 5 MiB, with room
    ("grpc.max_metadata_size", 16 * 1024),  # room for a forwarded certificate
    ("grpc.absolute_max_metadata_size", 16 * 1024),  # between the two, core refuses at random
    ("grpc.max_concurrent_streams", 1000),  # calls at once on a connection; more wait at the caller
    ("grpc.server_handshake_timeout_ms", 20_000),
    ("grpc.so_reuseport", 0),  # a busy port is an error, not a share of its calls
    ("grpc.keepalive_time_ms", 60_000),  # find callers that vanished
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # callers may look for us as often
    ("grpc.keepalive_permit_without_calls", 1),
)


def server_options(settings: ServerSettings) -> Options:
    """The options of a server. Core itself varies the age of each connection by up to a tenth."""
    age: Options = ()
    if settings.connection_age_s:
        age = (
            ("grpc.max_connection_age_ms", round(settings.connection_age_s * 1000)),
            ("grpc.max_connection_age_grace_ms", round(settings.connection_age_grace_s * 1000)),
        )
    return (*_FIXED, *age, ("grpc.enable_channelz", int(settings.channelz)))
