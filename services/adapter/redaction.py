"""Removes secrets and buyers' data from 1688's texts, before they reach errors and logs."""

import re
from collections.abc import Iterable, Iterator

from google.protobuf.message import Message

MAX_CHARACTERS = 300
"""Maximum length of 1688's text that is passed on."""
REDACTED = "***"

_MAX_SCANNED_CHARACTERS = 10 * MAX_CHARACTERS
"""More than are passed on, since redaction shortens the text."""
_MIN_CHARACTERS_INSIDE_WORDS = 4
"""A shorter value is redacted only if it is a whole word: it occurs by chance in too many words."""
# ASCII only: Chinese words have no space before the number or address that follows them.
_PERSONAL_DATA = r"""
      \b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b                      # token
    | (?<![\w.+-])[\w.+-]++(?:@|%40)[\w-]+(?:\.[\w-]+)*                    # e-mail address
    | (?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])                           # IPv4 address
    | (?<!\w)(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?!\w)                    # IPv6 address
    | (?<![\w:])(?:[0-9a-f]{1,4}:){1,6}:[0-9a-f]{0,4}(?!\w)                # IPv6 address, shortened
    | (?<!\w)\+?\d(?:[ -]?\d){6,14}(?!\w)                                  # phone number, or alike
"""
_CODE = re.compile(r"[\w.:-]{0,64}", re.ASCII)
_FLAGS = re.VERBOSE | re.ASCII | re.IGNORECASE
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def redact(text: str, sensitive: Iterable[str] = ()) -> str:
    """Redact sensitive values in 1688's text, in upper or lower case, and what looks like personal data."""
    spellings = {spelling for value in sensitive for spelling in (value, value.upper())}  # SS for ß
    values = sorted(spellings - {""}, key=len, reverse=True)
    pattern = re.compile("|".join([*map(_value_pattern, values), _PERSONAL_DATA]), _FLAGS)
    scanned = _CONTROL_CHARACTERS.sub(" ", text[:_MAX_SCANNED_CHARACTERS])
    return pattern.sub(REDACTED, scanned)[:MAX_CHARACTERS]


def redact_code(code: str) -> str:
    """Return a code of 1688's unchanged. A sentence in its place is redacted: it may repeat a request."""
    return code if _CODE.fullmatch(code) else REDACTED


def sensitive_values(message: Message, *, is_sensitive: bool = False) -> Iterator[str]:
    """Yield the texts of a request's fields that are marked `debug_redact`; all of them if `is_sensitive`."""
    for descriptor, value in message.ListFields():
        is_field_sensitive = is_sensitive or descriptor.GetOptions().debug_redact
        for element in value if descriptor.is_repeated else (value,):
            if isinstance(element, Message):
                yield from sensitive_values(element, is_sensitive=is_field_sensitive)
            elif is_field_sensitive and isinstance(element, str):
                yield element


def _value_pattern(value: str) -> str:
    pattern = f"(?u:{re.escape(value)})"  # unicode, since Đ is đ in lower case
    return pattern if len(value) >= _MIN_CHARACTERS_INSIDE_WORDS else rf"(?<![^\W_]){pattern}(?![^\W_])"
