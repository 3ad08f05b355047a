"""Keeps secrets and buyers' data out of what 1688's words are passed on to: answers and logs."""

import re
from collections.abc import Iterable, Iterator

from google.protobuf.message import Message

MAX_TEXT = 300
"""Characters of 1688's text that are passed on."""
REDACTED = "***"

_MAX_READ = 10 * MAX_TEXT
"""Characters of 1688's text that are looked at: masked ones may leave room for those after them."""
_SHORT = 4
"""A value below this length is masked as a word of its own only, or every text would be full of holes."""
# ASCII throughout: no blank stands between Chinese words and the number or address that follows them.
_PERSONAL = r"""
      \b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b                      # token
    | (?<![\w.+-])[\w.+-]++(?:@|%40)[\w-]+(?:\.[\w-]+)*                    # e-mail address
    | (?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])                           # IPv4 address
    | (?<!\w)(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?!\w)                    # IPv6 address
    | (?<![\w:])(?:[0-9a-f]{1,4}:){1,6}:[0-9a-f]{0,4}(?!\w)                # IPv6 address, shortened
    | (?<!\w)\+?\d(?:[ -]?\d){6,14}(?!\w)                                  # phone number, or alike
"""
_CODE = re.compile(r"[\w.:-]{0,64}", re.ASCII)
_FLAGS = re.VERBOSE | re.ASCII | re.IGNORECASE
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def redact(text: str, private: Iterable[str] = ()) -> str:
    """Return 1688's words without what is private, in any case, and what looks like buyers' data."""
    spellings = {spelling for value in private for spelling in (value, value.upper())}  # ß is SS there
    values = sorted(spellings - {""}, key=len, reverse=True)
    unfit = re.compile("|".join([*map(_exactly, values), _PERSONAL]), _FLAGS)
    return unfit.sub(REDACTED, _CONTROL.sub(" ", text[:_MAX_READ]))[:MAX_TEXT]


def redact_code(code: str) -> str:
    """Return a code of 1688's, or what stands for a sentence in its place: that may repeat a request."""
    return code if _CODE.fullmatch(code) else REDACTED


def sensitive_values(message: Message, *, within: bool = False) -> Iterator[str]:
    """Yield the texts of a request whose fields are marked `debug_redact`, or stand `within` such a field."""
    for descriptor, value in message.ListFields():
        marked = within or descriptor.GetOptions().debug_redact
        for each in value if descriptor.is_repeated else (value,):
            if isinstance(each, Message):
                yield from sensitive_values(each, within=marked)
            elif marked and isinstance(each, str):
                yield each


def _exactly(value: str) -> str:
    escaped = f"(?u:{re.escape(value)})"  # Đ is đ in another case
    return escaped if len(value) >= _SHORT else rf"(?<![^\W_]){escaped}(?![^\W_])"
