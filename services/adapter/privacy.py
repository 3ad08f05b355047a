"""Keeps secrets and buyers' data out of what 1688's words are passed on to: answers and logs."""

import re
from collections.abc import Iterable, Iterator

from google.protobuf.message import Message

MAX_TEXT = 300
"""Characters of 1688's text that are passed on."""
REDACTED = "***"

_PERSONAL = re.compile(
    r"""
      [\w.+-]+@[\w-]+(?:\.[\w-]+)+                # e-mail address
    | (?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])  # IPv4 address
    | (?<!\w)(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}(?!\w)  # IPv6 address
    | (?<!\w)\+?\d(?:[ -]?\d){6,14}(?!\w)         # phone number, and whatever looks like one
    | \b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b  # token
    """,
    re.VERBOSE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def sanitized(text: str, private: Iterable[str] = ()) -> str:
    """Return 1688's words without buyers' data: what the request marks as such, and what looks like it."""
    for value in sorted(private, key=len, reverse=True):
        text = text.replace(value, REDACTED)
    return _CONTROL.sub(" ", _PERSONAL.sub(REDACTED, text))[:MAX_TEXT]


def private_texts(message: Message) -> Iterator[str]:
    """Yield the texts of a request whose fields are marked `debug_redact`."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for inner in value if descriptor.is_repeated else (value,):
                yield from private_texts(inner)
        elif descriptor.GetOptions().debug_redact and isinstance(value, str):
            yield value
