"""A thin companion to nationalsite's stubs: channels, failures, money, and consumers of messages."""

from nationalsite_client.channels import Service, connect, connect_async, service_config
from nationalsite_client.consumer import Consumer
from nationalsite_client.consumer_async import AsyncConsumer
from nationalsite_client.consumer_options import ConsumerOptions
from nationalsite_client.failures import Failure, Violation, failed_result, failure
from nationalsite_client.money import decimal_of, money_of

__all__ = [
    "AsyncConsumer",
    "Consumer",
    "ConsumerOptions",
    "Failure",
    "Service",
    "Violation",
    "connect",
    "connect_async",
    "decimal_of",
    "failed_result",
    "failure",
    "money_of",
    "service_config",
]
