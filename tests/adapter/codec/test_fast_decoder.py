"""Where the fast decoder returns a response, the tolerant decoder returns the same."""

import copy
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st
from nationalsite.product.v1 import PriceRange

from services.adapter.codec import DecodeResult, Dialect, Operation, compile_operation, parse
from services.adapter.codec.encoder import JsonDates
from services.adapter.codec.schema import resolve_fields, resolve_operation
from services.adapter.codec.tolerant_json import MAX_VALUES, count_values
from services.adapter.error_words import CODES, TEXTS
from services.adapter.gateway.charset import to_utf8
from services.adapter.gateway.gateway_errors import error_from_response
from services.errors import NationalsiteError
from tests.support.sample_cases import METHODS, ResponseCase, response_cases

CASES = {case.name: case for case in response_cases()}
DOCUMENTED = (
    "keyword_query.national_site.ok",
    "keyword_query.open_platform.ok",
    "image_query.national_site.ok",
    "image_query.open_platform.ok",
    "query_product_detail.national_site.ok",
    "query_product_detail.open_platform.ok",
)
"""Responses of frequent calls, as they are documented. The fast decoder has to decode them."""
FAST = (
    *DOCUMENTED,
    "create_refund.open_platform.ok",
    "get_refund_reason_list.open_platform.ok",
    "pay_way_query.open_platform.ok",
    "upload_refund_voucher.open_platform.ok",
)
"""One response of each operation that has a fast decoder, in each dialect."""
SETTINGS = settings(max_examples=int(os.environ.get("EXAMPLES", "6")) * 10, deadline=None)
UNEXPECTED_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 2**31, 2**63, 2**63 - 1, -(2**63) - 1, 10**30, 1.0, 0.5, 12.34, 1e300,
    1e-300, "", " ", "0", "1", "12", " 12 ", "+12", "-0", "+1", "007", "1.0", "1.50", "1e3", "12a", "1_000",
    "１２", "9" * 30, "true", "False", "yes", "no", "null", "Null", "nan", "inf", "-inf", "0x10",
    "1,5", "US$1", "[]", "{}", '["a"]', '{"a": 1}', '{"success": false}', "2026-01-02 03:04:05", "2026-01-02",
    "20260102030405000+0800", 1767323045, 1767323045000, [], {}, [None], [[]], ["a"], [1, "b"],
    {"success": False}, {"success": "false", "code": "x"}, "饼干", "\u0000", "125-128", "¥12.50", "1,280.00",
    "１２～１５元", "面议", "1.2万起",
    "yx,select", "a; b,;", ["yx,select"], [" a ", ""], "2026-01-02 03: 04: 05", "2026-01-02 03:04",
)  # fmt: skip
"""Replacements for values of a response."""
MEMBER_NAMES = (
    "success",
    "succes",
    "isSuccess",
    "result",
    "data",
    "error_code",
    "errorCode",
    "error",
    "code",
    "x",
)


def compile_case(case: ResponseCase) -> Operation:
    return _compile(case.rpc, case.dialect)


@cache
def _compile(rpc: str, dialect: str) -> Operation:
    return compile_operation(METHODS[rpc], Dialect(dialect), dates=JsonDates.TEXT)


def check_agreement(case: ResponseCase, operation: Operation, body: bytes) -> bool:
    """Return whether the fast decoder decoded the response. If so, check the tolerant decoder's response."""
    request = ParseDict(case.request, operation.request())
    try:
        fast = operation.parse(body, request)
    except ValueError:  # not JSON
        return False
    if not isinstance(fast, DecodeResult):
        return False
    try:
        parsed = parse(body)
    except UnicodeDecodeError:  # broken characters in members that no field reads: they are only skipped
        parsed = parse(body.decode(errors="replace"))
    assert error_from_response(200, parsed) is None
    tolerant = operation.decode(parsed, request)
    response = GetMessageClass(METHODS[case.rpc].output_type)
    assert response.FromString(fast.response) == response.FromString(tolerant.response)
    assert not tolerant.unreadable
    assert tolerant.rejection is None
    return True


@pytest.mark.parametrize("name", CASES)
def test_samples_decode_alike(name):
    case = CASES[name]
    is_fast = check_agreement(case, compile_case(case), case.body)
    assert not (is_fast and case.error), "an error of 1688 was decoded as a response"


def test_fast_decoder_decodes_more_than_the_documented_samples():
    others = (case for name, case in CASES.items() if name not in DOCUMENTED)
    assert any(check_agreement(case, compile_case(case), case.body) for case in others)


@pytest.mark.parametrize("name", FAST)
def test_fast_decoder_decodes_documented_replies(name):
    assert check_agreement(CASES[name], compile_case(CASES[name]), CASES[name].body)


def repeat_members(value: Any, others: Sequence[str]) -> str:
    """Return JSON text in which each member comes after another one of its name."""
    if isinstance(value, dict):
        members = (
            f"{json.dumps(name)}: {other}, {json.dumps(name)}: {repeat_members(member, others)}"
            for (name, member), other in zip(value.items(), itertools.cycle(others), strict=False)
        )
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        return f"[{', '.join(repeat_members(element, others) for element in value)}]"
    return json.dumps(value)


@pytest.mark.parametrize(("others", "is_fast"), [(("[]", "{}", "1"), False), (("null",), True)])
@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_last_of_two_members_counts_in_both_decoders(name, others, is_fast):
    case = CASES[name]
    operation = compile_case(case)
    request = ParseDict(case.request, operation.request())
    response = GetMessageClass(METHODS[case.rpc].output_type)

    def decode(parsed: Any) -> Message:
        return response.FromString(operation.decode(parsed, request).response)

    body = repeat_members(json.loads(case.body), others).encode()
    parsed = operation.parse(body, request)
    assert isinstance(parsed, DecodeResult) == is_fast
    assert decode(parsed) == decode(parse(body)) == decode(operation.parse(case.body, request))


def test_a_response_of_too_many_values_is_not_decoded():
    case = CASES["keyword_query.national_site.ok"]
    operation = compile_case(case)
    response = json.loads(case.body)
    offers = response["data"]["searchOfferModelList"]
    offers *= 2 * MAX_VALUES // count_values(json.dumps(offers).encode())
    with pytest.raises(ValueError, match="too many values"):
        operation.parse(json.dumps(response).encode(), operation.request())
    del offers[len(offers) // 3 :]
    assert isinstance(operation.parse(json.dumps(response).encode(), operation.request()), DecodeResult)


@pytest.mark.parametrize("elements", ["[1]", '["1"]', "[null]", "[{}]"])
def test_elements_that_become_messages_are_left_to_the_tolerant_decoder(call, elements):
    operation = call(
        response="repeated Wrapped a = 1; optional int32 b = 2;",
        operation='api: "ns:small.call-1" payload: "result"',
        more='message Wrapped { optional int32 id = 1 [(upstream.field).name = "."]; }',
    )
    request = operation.request()
    assert isinstance(operation.parse(b'{"result": {"b": 1}}', request), DecodeResult)
    body = f'{{"result": {{"a": {elements}, "b": 1}}}}'.encode()
    assert not isinstance(operation.parse(body, request), DecodeResult)


@pytest.mark.parametrize(
    ("value", "is_fast"),
    [
        ('{"id": 1, "name": "a"}', True),
        ('{"name": "a", "id": null, "new": 1}', True),
        ("null", True),
        ('{"name": "a"}', False),
        ('{"new": 1}', False),
        ("{}", False),
        ('[{"id": 1}]', False),
        ('[{"id": 1}, {"id": 2}]', False),
        ("[]", False),
        ('"{\\"id\\": 1}"', False),
        ("1", False),
    ],
)
def test_one_object_decodes_as_a_list_of_one(call, value, is_fast):
    """An object without the first member may be empty, which is for the tolerant decoder to judge."""
    operation = call(
        response="repeated Item a = 1 [(upstream.field).encoding = ENCODING_ONE_OBJECT];"
        "repeated Item b = 2; optional int32 c = 3;",
        operation='api: "ns:small.call-1" payload: "result"',
        more="message Item { optional int32 id = 1; optional string name = 2; }",
    )
    request = operation.request()
    body = f'{{"result": {{"a": {value}, "b": [{{"name": "b"}}, {{}}], "c": 1}}}}'.encode()
    fast = operation.parse(body, request)
    assert isinstance(fast, DecodeResult) == is_fast
    if isinstance(fast, DecodeResult):
        assert operation.decode(parse(body), request) == fast


@pytest.mark.parametrize("code", [0, "0", "", None])
def test_a_gateway_code_of_success_decodes_alike(code):
    case = CASES["keyword_query.open_platform.ok"]
    body = json.dumps({**json.loads(case.body), "error_code": code}).encode()
    check_agreement(case, compile_case(case), body)


@pytest.mark.parametrize("name", DOCUMENTED)
@given(data=st.data())
@SETTINGS
def test_altered_replies_decode_alike(name, data):
    """Values of other types; members that are renamed, missing or additional."""
    case = CASES[name]
    body = copy.deepcopy(json.loads(case.body))
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(list(_iterate_members(body)) or [({"": None}, "")]))
        change = data.draw(st.sampled_from(("value", "value", "value", "renamed", "removed", "added")))
        if change == "value":
            container[key] = copy.deepcopy(data.draw(st.sampled_from(UNEXPECTED_VALUES)))
        elif change == "removed" or not isinstance(container, dict):
            del container[key]
        elif change == "renamed":
            container[data.draw(st.sampled_from(MEMBER_NAMES))] = container.pop(key)
        else:
            container[data.draw(st.sampled_from(MEMBER_NAMES))] = copy.deepcopy(
                data.draw(st.sampled_from(UNEXPECTED_VALUES))
            )
    check_agreement(case, OPERATIONS[name], json.dumps(body, ensure_ascii=data.draw(st.booleans())).encode())


@pytest.mark.parametrize("name", DOCUMENTED)
@given(data=st.data())
@SETTINGS
def test_prices_decode_alike(name, data):
    """One number in any form is decoded fast. A range or words are decoded tolerantly, and are never lost."""
    case = CASES[name]
    body = copy.deepcopy(json.loads(case.body))
    prices = [(container, key) for container, key in _iterate_members(body) if _is_price(container, key)]
    texts = []
    for container, key in data.draw(st.lists(st.sampled_from(prices), max_size=4, unique_by=_identify)):
        is_number = data.draw(st.booleans())
        sign = "" if key.startswith("foreign") else "¥"
        container[key] = data.draw(PRICE_NUMBERS if is_number else PRICE_TEXTS).replace("¥", sign)
        texts += [] if is_number else [container[key]]
    encoded = json.dumps(body, ensure_ascii=data.draw(st.booleans())).encode()
    assert check_agreement(case, OPERATIONS[name], encoded) == (not texts)
    response = _decode(case, OPERATIONS[name], encoded)
    assert sorted(price_range.text for price_range in _iterate_ranges(response)) == sorted(texts)


AMOUNTS = st.decimals(0, 10**9, places=2)
PRICE_NUMBERS = st.builds(
    str.format, st.sampled_from(["{}", "{:,}", "¥{:,}", " {} ", "{:e}"]), AMOUNTS
) | st.sampled_from(["１２．５０", "¥１，２８０", "\u300012"])
PRICE_TEXTS = st.builds(
    lambda form, ends: form.format(*sorted(ends)),
    st.sampled_from(["{}-{}", "¥{:,}～¥{:,}", "{} 至 {}", "{0}-", "{1}-{0}", "{0}起"]),
    st.tuples(AMOUNTS, AMOUNTS),
) | st.sampled_from(["面议", "1.2万起", "-", "€12", "1,5"])
"""Prices that are not one number: ranges, and others."""


def _is_price(container: Any, key: Any) -> bool:
    return (
        isinstance(key, str) and key.endswith(("price", "Price")) and isinstance(container[key], str | float)
    )


def _identify(member: tuple[Any, Any]) -> tuple[int, Any]:
    container, key = member
    return id(container), key


def _decode(case: ResponseCase, operation: Operation, body: bytes) -> Message:
    request = ParseDict(case.request, operation.request())
    result = operation.decode(operation.parse(body, request), request)
    return GetMessageClass(METHODS[case.rpc].output_type).FromString(result.response)


def _iterate_ranges(message: Message) -> Iterator[PriceRange]:
    """Yield every range in a message, at any depth."""
    for field, value in message.ListFields():
        for element in value if field.is_repeated else (value,):
            if isinstance(element, PriceRange):
                yield element
            elif isinstance(element, Message):
                yield from _iterate_ranges(element)


OPERATIONS = {name: compile_case(CASES[name]) for name in DOCUMENTED}


def _iterate_members(value: Any) -> Any:
    """Yield every member of every object and every element of every list, as container and key."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _iterate_members(value[key])


ABSENT = object()
NOTHING: tuple[Any, ...] = (
    ABSENT, None, "", " ", "null", 0, "0", [], {}, [None], [[]], [{}], [{}, {}], [{"x": 1}], {"x": 1},
    {"x": None},
)  # fmt: skip
"""What stands in place of the members that a response exists for."""
COUNTS = (ABSENT, None, "", 0, "0", 653, "653", -1, "many", 1.5, [], {})
FLAG_VALUES = (False, "false", 0, True, "true", None, ABSENT, "x")
FLAG_NAMES = ("success", "success", "success", "isSuccess", "succes")
CODE_VALUES = (
    ABSENT,
    "200",
    200,
    "0",
    0,
    "S0000",
    "SUCCESS",
    "",
    None,
    "500",
    500,
    "503",
    "5002",
    "SP0056",
    "gw.X",
)
JSON_TEXT = json.dumps({"code": "5002", "message": "库存不足"})
TEXT_VALUES = (
    *(ABSENT, None, "", "success", "成功", "系统繁忙", "没有找到", "库存不足"),
    *(JSON_TEXT, json.dumps({"errorMessage": JSON_TEXT}), json.dumps(JSON_TEXT)),
)
GBK = ("gbk", "gb18030")
CHARSETS = ("utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "latin-1")


def _names(case: ResponseCase) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the members that a response exists for, and of those that count them."""
    method, dialect = METHODS[case.rpc], Dialect(case.dialect)
    fields = resolve_fields(method.output_type, dialect)
    counts = {field.mapping.counted_by for field in fields}
    found = [
        name
        for field in fields
        if field.mapping.required
        or field.mapping.required_without
        or field.mapping.counted_by
        or any(other.mapping.required_without == field.descriptor.name for other in fields)
        for name in field.read_names
    ]
    path = resolve_operation(method, dialect).payload.split(".")
    counted = [name for field in fields if field.descriptor.name in counts for name in field.read_names]
    return tuple(filter(None, (*found, *path))), tuple(counted)


def _set(container: Any, key: Any, value: Any) -> None:
    if value is not ABSENT:
        container[key] = copy.deepcopy(value)
    elif isinstance(container, dict):
        container.pop(key, None)
    else:
        container[key] = None


def _containers(body: Any, names: tuple[str, ...]) -> list[tuple[Any, str]]:
    return [
        (container, key)
        for container, key in _iterate_members(body)
        if isinstance(container, dict) and key in names
    ]


def _empty_content(draw: Any, case: ResponseCase, body: Any) -> None:
    """Put nothing, or something unknown, in place of a member that the response exists for."""
    if members := _containers(body, _names(case)[0]):
        container, key = draw(st.sampled_from(members))
        value = container[key]
        if isinstance(value, dict) and draw(st.booleans()):  # the members are there, and hold nothing
            replacement = draw(st.sampled_from((None, "", [], {})))
            container[key] = dict.fromkeys(value, replacement)
        elif isinstance(value, dict) and draw(st.booleans()):  # the names are others
            container[key] = {f"new_{name}": member for name, member in value.items()}
        else:
            _set(container, key, draw(st.sampled_from(NOTHING)))


def _change_count(draw: Any, case: ResponseCase, body: Any) -> None:
    """Put nothing in place of the list of a page, and perhaps change the number of elements on all pages."""
    lists, counts = _names(case)
    for container, _ in _containers(body, counts):
        for name in lists:
            if isinstance(container.get(name), list):
                _set(container, name, draw(st.sampled_from(NOTHING)))
    if draw(st.booleans()):
        for container, key in _containers(body, counts):
            _set(container, key, draw(st.sampled_from(COUNTS)))


def _change_envelope(draw: Any, case: ResponseCase, body: Any) -> None:
    """Change flag, code and text in an object of the path of the payload."""
    envelopes = [body, *(body[name] for name in ("result", "data") if isinstance(body.get(name), dict))]
    envelope = draw(st.sampled_from(envelopes))
    for names, values in ((FLAG_NAMES, FLAG_VALUES), (CODES, CODE_VALUES), (TEXTS, TEXT_VALUES)):
        if draw(st.booleans()):
            _set(envelope, draw(st.sampled_from(names)), draw(st.sampled_from(values)))


def _move_content(draw: Any, case: ResponseCase, body: Any) -> None:
    """Move or copy content to another object, and set a false flag in one: a partial response."""
    if members := _containers(body, _names(case)[0]):
        container, key = draw(st.sampled_from(members))
        value = container[key] if draw(st.booleans()) else container.pop(key)
        places = [place for place in (body, *body.values()) if isinstance(place, dict)]
        draw(st.sampled_from(places))[key] = copy.deepcopy(value)
    if draw(st.booleans()):
        body.setdefault("result", {})
    places = [place for place in (body, body.get("result")) if isinstance(place, dict)]
    _set(draw(st.sampled_from(places)), "success", draw(st.sampled_from((False, False, "false", True))))


KINDS = {
    "content": _empty_content,
    "count": _change_count,
    "envelope": _change_envelope,
    "partial": _move_content,
}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@SETTINGS
def test_kinds_of_content_decode_alike(kind, data):
    """Altered in one way, and perhaps in a second: both decoders find the same content, or none."""
    case = CASES[data.draw(st.sampled_from(COUNTED if kind == "count" else FAST))]
    body = copy.deepcopy(json.loads(case.body))
    second = data.draw(st.sampled_from((None, None, None, *KINDS)))
    for each in filter(None, (kind, second)):
        KINDS[each](data.draw, case, body)
    encoded = json.dumps(body).encode()
    check_agreement(case, compile_case(case), encoded)
    _check_pages(case, body, encoded)


def _check_pages(case: ResponseCase, body: Any, encoded: bytes) -> None:
    """Check that a page with elements on it, or on other pages, is not read as an empty page."""
    lists, counts = _names(case)
    if not counts:
        return
    try:
        response = _decode(case, compile_case(case), encoded)
    except NationalsiteError:
        return
    is_empty = not any(
        getattr(response, field.name) for field in response.DESCRIPTOR.fields if field.is_repeated
    )
    if is_empty and getattr(response, "total_size", 0):
        assert any(container[key] == [] for container, key in _containers(body, lists))


@given(data=st.data())
@SETTINGS
def test_charsets_decode_alike(data):
    """A body in another charset, or with a broken character, is the same response, or is unreadable."""
    case = CASES[data.draw(st.sampled_from(FAST))]
    operation = compile_case(case)
    charset, header = data.draw(st.sampled_from(CHARSETS)), data.draw(st.sampled_from(CHARSETS))
    text = json.dumps(json.loads(case.body), ensure_ascii=False)
    body = text.encode(charset, errors="replace")
    if is_broken := data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(body)))
        body = body[:at] + data.draw(st.binary(min_size=1, max_size=2)) + body[at + 1 :]
    converted = to_utf8(body, f"application/json;charset={header}")
    check_agreement(case, operation, converted)
    is_read = charset in GBK or (charset in ("utf-8", "utf-8-sig") and header not in GBK)
    if is_read and not is_broken:
        assert _decode(case, operation, converted) == _decode(case, operation, body.decode(charset).encode())


COUNTED = tuple(name for name in FAST if _names(CASES[name])[1])


@pytest.mark.parametrize(
    "body",
    [
        '{"result": {"list": [{"id": 1}]}}',
        '{"result": {"success": true, "list": [{"id": 1}]}}',
        '{"success": true, "result": {"list": [{"id": 1}]}}',
        '{"success": true, "result": {"success": true, "list": [{"id": 1}]}}',
        '{"result": {"result": {"list": [{"id": 1}]}}}',
        '{"result": {"success": true, "result": {"list": [{"id": 1}]}}}',
    ],
)
def test_a_payload_below_the_result_is_found_without_a_success_flag(call, body):
    operation = call(
        response='repeated Item a = 1 [(upstream.field).name = "."];',
        operation='api: "ns:small.call-1" payload: "result.list"',
        more="message Item { optional int32 id = 1; }",
    )
    fast = operation.parse(body.encode(), operation.request())
    assert isinstance(fast, DecodeResult)
    assert operation.decode(parse(body), operation.request()) == fast
