"""JSON as 1688 writes it."""

import time
from decimal import Decimal
from typing import Any

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from services.adapter.codec import parse
from services.adapter.codec.tolerant_json import MAX_VALUES, count_values, dump, parse_unique

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
OTHER_CHARSETS = [
    # Not UTF-8: GB18030, in which a byte of a character may be a backslash or a brace.
    ('["杯子"]'.encode("gbk"), ["杯子"]),
    ('{"饼干": "a"} // 注'.encode("gbk"), {"饼干": "a"}),
    ('["子"]'.encode("gbk"), ["子"]),
    ('["誠", "乗", "亄"]'.encode("gbk"), ["誠", "乗", "亄"]),
    ('["杯子", "😀"]'.encode("gb18030"), ["杯子", "😀"]),
    # UTF-8 that was cut inside characters, or has halves of a pair of surrogates.
    (b'["cup \xf0\x9f", "cup \xf0"]', ["cup \ufffd", "cup \ufffd"]),
    (b'["\xed\xa0\xbd!"]', ["\ufffd\ufffd\ufffd!"]),
    ("饼干".encode().join([b'["', b"\xff", b'"]']), ["饼干\ufffd饼干"]),
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


@pytest.mark.parametrize(("body", "value"), OTHER_CHARSETS)
def test_charset(body: bytes, value: object) -> None:
    assert parse(body) == value


@pytest.mark.parametrize("body", [b'["\xff\xff\xff"]', b'["\x81"]\x81', b'["\xb1\xad\xff"]'])
def test_neither_utf_8_nor_gb18030(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(body)


def test_replaced_characters_are_logged() -> None:
    with structlog.testing.capture_logs() as logs:
        parse(b'["cup \xf0\x9f", "\\ud83d"]')
        parse('["杯子"] // a comment'.encode("gbk"))
    assert [(line["event"], line["count"]) for line in logs] == [("broken_characters_replaced", 2)]


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


DUPLICATES = [
    (b'{"a": 1, "a": 2}', {"a": 2}),
    (b'[{"b": {"a": 1, "\\u0061": "x"}}]', [{"b": {"a": "x"}}]),
    (b'{"a": 1, "a": 2} // repaired', {"a": 2}),
    ('{"饼": 1, "饼": 2}'.encode("gbk"), {"饼": 2}),
    (b'{"data": " {\\"a\\": 1, \\"a\\": 2}"}', {"data": ' {"a": 1, "a": 2}'}),
    (b'{"data": [["[{\\"a\\": 1, \\"a\\": 2}]"]]}', {"data": [['[{"a": 1, "a": 2}]']]}),
]


@pytest.mark.parametrize(("body", "value"), DUPLICATES)
def test_the_last_of_two_members_counts_unless_they_have_to_be_unique(body: bytes, value: object) -> None:
    assert parse(body) == value
    with pytest.raises(ValueError, match="two members of the same name"):
        parse_unique(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": {"a": 1}, "A": 2, "b": [{"a": 1}, {"a": 2}]}',
        b'{"a": "{not JSON, {}}", "b": "{", "c": 12345678901234567890.5}',
        b'\xef\xbb\xbf{"a": 1} // "a": 2',
        '{"饼": "{干"}'.encode("gbk"),
    ],
)
def test_unique_members(body: bytes) -> None:
    assert parse_unique(body) == parse(body)


def texts_of_objects() -> st.SearchStrategy[tuple[str, bool]]:
    """JSON texts, and whether a name occurs twice in one of their objects."""
    scalars = st.sampled_from(["1", '"x"', '"a:"', '": "', "null", "[]", r'"\""', r'"\u0061"', "1e400"])
    json_texts = st.sampled_from([r'"{\"a\":1,\"a\":2}"', r'"{\u0022a\u0022:1,\u0022a\u0022:2}"'])
    values = scalars.map(lambda text: (text, False)) | json_texts.map(lambda text: (text, True))
    return st.recursive(values, lambda each: lists(each) | objects(each))


def lists(elements: st.SearchStrategy[tuple[str, bool]]) -> st.SearchStrategy[tuple[str, bool]]:
    return st.lists(elements, max_size=3).map(
        lambda listed: (f"[{','.join(text for text, _ in listed)}]", any(repeats for _, repeats in listed))
    )


def objects(values: st.SearchStrategy[tuple[str, bool]]) -> st.SearchStrategy[tuple[str, bool]]:
    names = st.sampled_from(["a", "b", "", ":", r"\u0061"])
    ends = st.sampled_from([":", " :", "\n\t: ", "://\n", '://"c":\n', "//\n:", ' //"x\n : '])
    return st.lists(st.tuples(names, ends, values), max_size=3).map(join_members)


def join_members(members: list[tuple[str, str, tuple[str, bool]]]) -> tuple[str, bool]:
    names = [name.replace(r"\u0061", "a") for name, _, _ in members]
    text = ",".join(f'"{name}"{end}{value}' for name, end, (value, _) in members)
    is_repeated = len(set(names)) < len(names) or any(repeats for *_, (_, repeats) in members)
    return f"{{{text}}}", is_repeated


@given(texts_of_objects())
@example(('{"a"//\n:1,"a":2}', True))
@example((r'"{\u0022a\u0022:1,\u0022a\u0022:2}"', True))
def test_members_of_the_same_name_are_found_in_any_text(case: tuple[str, bool]) -> None:
    value, is_repeated = case
    text = f'{{"top":{value}}}'
    if is_repeated:
        with pytest.raises(ValueError, match="two members of the same name"):
            parse_unique(text)
    else:
        assert parse_unique(text) == parse(text)


def test_a_deep_text_is_searched_for_members_too() -> None:
    text = b"[" * 900 + b'{"a": 1}' + b"]" * 900
    assert parse_unique(text) == parse(text)


@pytest.mark.parametrize("element", [b"{}", b"[]", b"1", b'"{}"'])
def test_a_text_of_too_many_values_is_not_parsed(element: bytes) -> None:
    with pytest.raises(ValueError, match="too many values"):
        parse(b"[" + b",".join([element] * MAX_VALUES) + b"]")


def test_a_text_of_fewer_values_is_parsed() -> None:
    text = b"[" + b",".join([b"1"] * (MAX_VALUES - 1)) + b"]"
    assert count_values(text) == MAX_VALUES
    assert isinstance(parse(text), list)


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 500_000 + b"//", b"/" * 500_000, b"\\ud83d" * 200_000])
def test_parsing_is_never_slow(body: bytes) -> None:
    started = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        parse(body)
    assert time.process_time() - started < 2


def test_dump() -> None:
    assert dump({"词": ["饼干", 1, True, None, Decimal("1.50")]}) == '{"词":["饼干",1,true,null,1.50]}'
