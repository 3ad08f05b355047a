"""A thin library beside nationalsite's stubs: channels, error details, money, and message consumers."""

from nationalsite_client.async_consumer import AsyncConsumer
from nationalsite_client.channels import Service, connect, connect_async, service_config
from nationalsite_client.consumer import Consumer
from nationalsite_client.consumer_options import ConsumerOptions
from nationalsite_client.errors import ErrorDetails, FieldViolation, parse_error, parse_status
from nationalsite_client.in_flight import get_received_message
from nationalsite_client.message_reads import Read, list_message_reads
from nationalsite_client.money import decimal_to_money, money_to_decimal

__all__ = [
    "AsyncConsumer",
    "Consumer",
    "ConsumerOptions",
    "ErrorDetails",
    "FieldViolation",
    "Read",
    "Service",
    "connect",
    "connect_async",
    "decimal_to_money",
    "get_received_message",
    "list_message_reads",
    "money_to_decimal",
    "parse_error",
    "parse_status",
    "service_config",
]
