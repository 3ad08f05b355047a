"""The channel that the services recommend."""

from collections.abc import Sequence
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import grpc
import grpc.aio

Service: TypeAlias = Literal["product", "order_sync", "account"]
Options: TypeAlias = Sequence[tuple[str, Any]]

_OPTIONS = MappingProxyType(
    {
        # Finds servers that vanished. The services permit a ping every 10 s, also between calls.
        "grpc.keepalive_time_ms": 30_000,
        "grpc.keepalive_timeout_ms": 10_000,
        "grpc.keepalive_permit_without_calls": 1,
        "grpc.http2.max_pings_without_data": 0,
        # A restarted service is found within seconds; gRPC's own bound is two minutes.
        "grpc.initial_reconnect_backoff_ms": 200,
        "grpc.max_reconnect_backoff_ms": 5_000,
        "grpc.max_send_message_length": 8 * 1024 * 1024,  # what the services take
        "grpc.max_receive_message_length": 32 * 1024 * 1024,  # 1,000 messages at once are large
    }
)


def connect(
    target: str,
    service: Service,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    options: Options = (),
) -> grpc.Channel:
    """Return a channel to a service: balanced over all its addresses, reads repeated, keepalive.

    `target` is `host:port`, or any name that gRPC resolves. Without `credentials` it is plaintext. `options`
    come on top of the recommended ones. Close the channel, or use it as a context.
    """
    resolved, chosen = _resolved(target), _options(service, options)
    if credentials is None:
        return grpc.insecure_channel(resolved, options=chosen)
    return grpc.secure_channel(resolved, credentials, options=chosen)


def connect_async(
    target: str,
    service: Service,
    *,
    credentials: grpc.ChannelCredentials | None = None,
    options: Options = (),
) -> grpc.aio.Channel:
    """Return the same channel for asyncio."""
    resolved, chosen = _resolved(target), _options(service, options)
    if credentials is None:
        return grpc.aio.insecure_channel(resolved, options=chosen)
    return grpc.aio.secure_channel(resolved, credentials, options=chosen)


def service_config(service: Service) -> str:
    """Return a service's gRPC service config, JSON: which RPCs are repeated, and how calls are balanced."""
    return (resources.files(__package__) / "service_configs" / f"{service}.json").read_text()


def _resolved(target: str) -> str:
    """A name without a scheme is resolved by DNS, to all its addresses."""
    return target if ":///" in target or target.startswith("unix:") else f"dns:///{target}"


def _options(service: Service, own: Options) -> list[tuple[str, Any]]:
    return list(({**_OPTIONS, "grpc.service_config": service_config(service)} | dict(own)).items())
