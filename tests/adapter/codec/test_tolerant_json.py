"""JSON as 1688 writes it."""

import time
from decimal import Decimal
from typing import Any

import pytest

from services.adapter.codec import parse
from services.adapter.codec.tolerant_json import dump

REPAIRED = [
    (b'{"a": 1} // the end', {"a": 1}),
    (b'{// b\n"a": 1, // c\n"b": "x//y" //d\n}', {"a": 1, "b": "x//y"}),
    (b'{"a": "\\"//\\"", "b": "\\\\"} // "', {"a": '"//"', "b": "\\"}),
    (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    (b'["\\ud83d\\ude00"]', ["😀"]),
    (b'["\\ud83d"]', ["\ufffd"]),
    (b'["\\ude00!", "\\uD83D\\uD83D\\uDE00"]', ["\ufffd!", "\ufffd😀"]),
    (b'["\\\\ud83d", "\\ud83d"]', ["\\ud83d", "\ufffd"]),
    (b'["\xe9\xa5\xbc\xe5\xb9", "b"] // \xff', ["饼\ufffd", "b"]),
]
NUMBERS = [
    ("1", 1),
    ("-9007199254740993", -9007199254740993),
    ("9223372036854775808", 2**63),
    ("99999999999999999999999", 99999999999999999999999),
    ("3.50", Decimal("3.50")),
    ("0.1234567890123456789012345", Decimal("0.1234567890123456789012345")),
    ("1e3", Decimal("1e3")),
    ("1e99999999999999999999", "1e99999999999999999999"),
    ("-1e-99999999999999999999", "-1e-99999999999999999999"),
]
INVALID = [
    b"",
    b"//",
    b"{",
    b'{"a": 1,}',
    b'{"a" 1}',
    b"{'a': 1}",
    b"[NaN]",
    b"[Infinity]",
    b"[01]",
    b'["\n"]',
    b"\x00",
    b'["\\x"]',
    b"<html>",
    b"[" * 100_000,
    b'{"a":' * 100_000 + b"//",
]


@pytest.mark.parametrize(("body", "value"), REPAIRED)
def test_repaired(body: bytes, value: object) -> None:
    assert parse(body) == value


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_numbers(text: str, value: object) -> None:
    values: Any = parse(f"[{text}]")
    assert values == [value]
    assert [type(values[0]), str(values[0])] == [type(value), str(value)]


@pytest.mark.parametrize("body", INVALID, ids=lambda body: repr(body[:12]))
def test_invalid(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(body)


def test_lone_surrogate_in_text_is_invalid() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        parse('"\ud83d"')


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 500_000 + b"//", b"/" * 500_000, b"\\ud83d" * 200_000])
def test_parsing_is_never_slow(body: bytes) -> None:
    started = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        parse(body)
    assert time.process_time() - started < 2


def test_dump() -> None:
    assert dump({"词": ["饼干", 1, True, None, Decimal("1.50")]}) == '{"词":["饼干",1,true,null,1.50]}'
