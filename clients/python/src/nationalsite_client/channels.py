"""Channels with the settings that the services recommend."""

from collections.abc import Sequence
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import grpc
import grpc.aio

Service: TypeAlias = Literal["product", "order_sync", "account"]
ChannelOptions: TypeAlias = Sequence[tuple[str, Any]]

_RECOMMENDED_OPTIONS = MappingProxyType(
    {
        # Detects servers that vanished. The services permit a ping every 10 s, also between calls.
        "grpc.keepalive_time_ms": 30_000,
        "grpc.keepalive_timeout_ms": 10_000,
        "grpc.keepalive_permit_without_calls": 1,
        "grpc.http2.max_pings_without_data": 0,
        # Reconnects to a restarted service within seconds. gRPC's default maximum is two minutes.
        "grpc.initial_reconnect_backoff_ms": 200,
        "grpc.max_reconnect_backoff_ms": 5_000,
        "grpc.max_send_message_length": 8 * 1024 * 1024,  # the limit of the services
        "grpc.max_receive_message_length": 32 * 1024 * 1024,  # larger than any list (3 MiB)
    }
)


def connect(
    target: str,
    service: Service,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    options: ChannelOptions = (),
) -> grpc.Channel:
    """Return a channel that balances calls over all addresses, retries reads, and sends keepalive pings.

    `target` is `host:port`, or any name that gRPC resolves. Without `credentials` the channel is plaintext.
    `options` override the recommended ones. Close the channel, or use it as a context manager.
    """
    uri, all_options = _to_uri(target), _merge_options(service, options)
    if credentials is None:
        return grpc.insecure_channel(uri, options=all_options)
    return grpc.secure_channel(uri, credentials, options=all_options)


def connect_async(
    target: str,
    service: Service,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    options: ChannelOptions = (),
) -> grpc.aio.Channel:
    """Return the same channel for asyncio."""
    uri, all_options = _to_uri(target), _merge_options(service, options)
    if credentials is None:
        return grpc.aio.insecure_channel(uri, options=all_options)
    return grpc.aio.secure_channel(uri, credentials, options=all_options)


def service_config(service: Service) -> str:
    """Return a service's gRPC service config as JSON: which RPCs are retried, how calls are balanced."""
    return (resources.files(__package__) / "service_configs" / f"{service}.json").read_text()


def _to_uri(target: str) -> str:
    """Resolve a name without a scheme by DNS, to all its addresses."""
    return target if ":///" in target or target.startswith("unix:") else f"dns:///{target}"


def _merge_options(service: Service, overrides: ChannelOptions) -> list[tuple[str, Any]]:
    return list(
        ({**_RECOMMENDED_OPTIONS, "grpc.service_config": service_config(service)} | dict(overrides)).items()
    )
