"""A thin companion to nationalsite's stubs: channels, failures, money, and a consumer of messages."""

from nationalsite_client.channels import Service, connect, connect_async, service_config
from nationalsite_client.failures import Failure, Violation, failed_result, failure

__all__ = [
    "Failure",
    "Service",
    "Violation",
    "connect",
    "connect_async",
    "failed_result",
    "failure",
    "service_config",
]
