"""Removes secrets and buyers' data from texts of 1688 and of libraries, before they reach errors and logs."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

MAX_CHARACTERS = 300
"""Maximum length of 1688's text that is passed on."""
REDACTED = "***"

SecretSource: TypeAlias = Callable[[], Iterable[str]]
"""Returns secrets as they are now: tokens change."""

_sources: list[SecretSource] = []
_SCANNED_PER_CHARACTER = 10
"""More is scanned than is returned, since redaction shortens the text."""
_MIN_CHARACTERS_INSIDE_WORDS = 4
"""A shorter value is redacted only if it is a whole word: it occurs by chance in too many words."""
_MIN_WORD_CHARACTERS = 5
"""Of a word of a longer value, such as an address, that is redacted by itself. Shorter ones, such as user,
are too often words of the message."""
_MIN_PART_WEIGHT, _IDEOGRAPH_WEIGHT, _DIGIT_WEIGHT, _LETTER_WEIGHT = 24, 8, 4, 3
"""A part of a value is redacted if it is so heavy: three ideographs, six digits, or eight letters. A blank
weighs nothing."""
_MIN_DIGITS, _LAST_DIGITS = 8, 4
"""The last four digits of a value with eight or more are redacted where they stand alone."""
_MIN_DISTINCT_CHARACTERS = 3
"""Of such a part: six zeros occur in many numbers."""
# The text is normalized before it is searched. ASCII only: Chinese words have no space before the number or
# address that follows them.
_PERSONAL_DATA = r"""
      \b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b                      # token
    | (?<![\w.+*-])[\w.+*-]++(?:@|%40)(?:[\w-]+(?:\.[\w-]+)*|(?u:[\w.-]+))  # e-mail address
    | (?u:[\w.+*-]{0,63})[^\x00-\x7f\s](?:@|%40)(?u:[\w.-]+)               # e-mail address, not in ASCII
    | (?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])                           # IPv4 address
    | (?<!\w)(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?!\w)                    # IPv6 address
    | (?<![\w:])(?:[0-9a-f]{1,4}:){1,6}:[0-9a-f]{0,4}(?!\w)                # IPv6 address, shortened
    | (?<!\w)\+?\d[\d -]{0,8}(?:[*\u2022\u25cb\u25cf]{2,}|x{2,})(?:[ -]?[\d*\u2022\u25cb\u25cfx])*(?!\w)
      # phone number, partly masked
    | (?<!\w)\+?\d(?:[ ()\u2010-\u2015\u2212-]{0,2}\d){6,14}(?!\w)         # phone number, or similar
    | [*\u2022\u25cb\u25cf]{2,}[ -]?\d{2,}                                  # the end of one
"""
_CODE = re.compile(r"[\w.:-]{0,64}", re.ASCII)
_FLAGS = re.VERBOSE | re.ASCII
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CHARACTER = re.compile(r".[\u0300-\u036f\u3099\u309a]*", re.DOTALL)
"""A character with its combining marks."""


@contextmanager
def known_secrets(source: SecretSource) -> Iterator[None]:
    """Redact these secrets in the log lines of libraries while the context is open."""
    _sources.append(source)
    try:
        yield
    finally:
        _sources.remove(source)


def redact_library_text(text: str, max_characters: int) -> str:
    """Redact the secrets of this process in a library's text, and what looks like personal data."""
    secrets = [secret for source in _sources for secret in source()]
    return redact(text[:max_characters], secrets, max_characters=max_characters)


def redact(text: str, sensitive: Iterable[str] = (), *, max_characters: int = MAX_CHARACTERS) -> str:
    """Redact sensitive values in a text, also parts of them, and what looks like personal data.

    Upper and lower case, full-width and other forms of a character, digits of any script and invisible
    characters make no difference.
    """
    scanned = _CONTROL_CHARACTERS.sub(" ", text[: max_characters * _SCANNED_PER_CHARACTER])
    characters = _CHARACTER.findall(scanned)
    normalized = [_normalize_character(character) for character in characters]
    flat = "".join(normalized)
    values = {_normalize(value) for value in sensitive} - {""}
    words = {word for value in values for word in (*_split_words(value), *_last_digits(value))}
    patterns = sorted(values, key=len, reverse=True)
    pattern = re.compile(
        "|".join([*map(_value_pattern, patterns), *map(_word_pattern, words), _PERSONAL_DATA]), _FLAGS
    )
    is_private = bytearray(len(flat))
    for match in pattern.finditer(flat):
        is_private[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    parts = {flat_part for value in values for _, flat_part in _heavy_parts(value)}
    for start, part in _heavy_parts(flat) if parts else ():
        if part in parts:
            is_private[start : start + len(part)] = b"\1" * len(part)
    return _replace(characters, normalized, is_private)[:max_characters]


def redact_code(code: str) -> str:
    """Return a code of 1688's unchanged. Other text is redacted: it may quote the request."""
    return code if _CODE.fullmatch(code) else REDACTED


def _normalize(text: str) -> str:
    return "".join(map(_normalize_character, _CHARACTER.findall(text)))


def _normalize_character(character: str) -> str:
    """Return the form of a character in which texts are compared. It can have any length."""
    if character.isascii():
        return character.lower()
    if unicodedata.category(character[0]) == "Cf":  # invisible
        return ""
    if (digit := unicodedata.decimal(character[0], None)) is not None:
        return str(digit)
    # Twice, since the lower case of a normalized character need not be normalized.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())


def _split_words(value: str) -> Iterator[str]:
    """Yield the words of a value that has several."""
    words = re.findall(r"[^\W_]+", value)
    if len(words) > 1:
        yield from (word for word in words if len(word) >= _MIN_WORD_CHARACTERS and not word.isdigit())


def _last_digits(value: str) -> Iterator[str]:
    """Yield the last digits of a phone number or the like, by which people name it."""
    digits = re.sub(r"\D", "", value)
    if len(digits) >= _MIN_DIGITS:
        yield digits[-_LAST_DIGITS:]


def _heavy_parts(text: str) -> Iterator[tuple[int, str]]:
    """Yield, for each position, the shortest part from there that is heavy enough to be private."""
    weights = [_weigh(character) for character in text]
    end = weight = 0
    for start in range(len(text)):
        while weight < _MIN_PART_WEIGHT and end < len(text):
            weight += weights[end]
            end += 1
        if weight < _MIN_PART_WEIGHT:
            return
        if weights[start] and len(set(text[start:end])) >= _MIN_DISTINCT_CHARACTERS:
            yield start, text[start:end]
        weight -= weights[start]


def _weigh(character: str) -> int:
    if character.isspace():
        return 0
    if character.isdigit():
        return _DIGIT_WEIGHT
    return _IDEOGRAPH_WEIGHT if character.isalpha() and character >= "\u1100" else _LETTER_WEIGHT


def _replace(characters: Sequence[str], normalized: Sequence[str], is_private: bytearray) -> str:
    """Return the text with each run of private characters replaced. Invisible ones in it belong to it."""
    replaced: list[str] = []
    position = 0
    was_private = False
    for character, form in zip(characters, normalized, strict=True):
        private = any(is_private[position : position + len(form)]) if form else was_private
        if not private:
            replaced.append(character)
        elif not was_private:
            replaced.append(REDACTED)
        was_private = private
        position += len(form)
    return "".join(replaced)


def _value_pattern(value: str) -> str:
    pattern = re.escape(value)
    return pattern if len(value) >= _MIN_CHARACTERS_INSIDE_WORDS else rf"(?<![^\W_]){pattern}(?![^\W_])"


def _word_pattern(word: str) -> str:
    return rf"(?u:(?<![^\W_]){re.escape(word)}(?![^\W_]))"
