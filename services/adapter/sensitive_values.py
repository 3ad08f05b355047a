"""Finds the texts of a request that must not be in errors and logs."""

from collections.abc import Iterator

from google.protobuf.message import Message


def sensitive_values(message: Message, *, is_sensitive: bool = False) -> Iterator[str]:
    """Yield the texts of a request's fields that are marked `debug_redact`; all texts if `is_sensitive`."""
    for descriptor, value in message.ListFields():
        is_field_sensitive = is_sensitive or descriptor.GetOptions().debug_redact
        for element in value if descriptor.is_repeated else (value,):
            if isinstance(element, Message):
                yield from sensitive_values(element, is_sensitive=is_field_sensitive)
            elif is_field_sensitive and isinstance(element, str):
                yield element
