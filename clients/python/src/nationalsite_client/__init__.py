"""A thin library beside nationalsite's stubs: channels, errors, retries, pages, money, message consumers."""

from nationalsite_client.async_consumer import AsyncConsumer
from nationalsite_client.channels import Service, connect, connect_async, service_config
from nationalsite_client.consumer import Consumer
from nationalsite_client.consumer_options import ConsumerOptions
from nationalsite_client.deliveries import wait_for_delivery, wait_for_delivery_async
from nationalsite_client.errors import ErrorDetails, FieldViolation, parse_error, parse_status
from nationalsite_client.in_flight import get_received_message
from nationalsite_client.message_reads import Read, list_message_reads
from nationalsite_client.money import decimal_to_money, money_to_decimal, money_to_text
from nationalsite_client.pages import iterate_pages, iterate_pages_async
from nationalsite_client.relation_results import pair_results
from nationalsite_client.retries import call_with_retries, call_with_retries_async

__all__ = [
    "AsyncConsumer",
    "Consumer",
    "ConsumerOptions",
    "ErrorDetails",
    "FieldViolation",
    "Read",
    "Service",
    "call_with_retries",
    "call_with_retries_async",
    "connect",
    "connect_async",
    "decimal_to_money",
    "get_received_message",
    "iterate_pages",
    "iterate_pages_async",
    "list_message_reads",
    "money_to_decimal",
    "money_to_text",
    "pair_results",
    "parse_error",
    "parse_status",
    "service_config",
    "wait_for_delivery",
    "wait_for_delivery_async",
]
