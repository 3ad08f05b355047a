"""Where the fast decoder returns a response, the tolerant decoder returns the same."""

import copy
import json
import os
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st

from services.adapter.codec import DecodeResult, Dialect, Operation, compile_operation, parse
from services.adapter.codec.encoder import JsonDates
from services.adapter.gateway.gateway_errors import error_from_response
from tests.support.sample_cases import METHODS, ResponseCase, response_cases

CASES = {case.name: case for case in response_cases()}
DOCUMENTED = (
    "keyword_query.national_site.ok",
    "keyword_query.open_platform.ok",
    "image_query.national_site.ok",
    "image_query.open_platform.ok",
    "query_product_detail.open_platform.ok",
)
"""Responses of frequent calls, as they are documented. The fast decoder has to decode them."""
SETTINGS = settings(max_examples=int(os.environ.get("EXAMPLES", "15")) * 5, deadline=None)
UNEXPECTED_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 2**31, 2**63, 2**63 - 1, -(2**63) - 1, 10**30, 1.0, 0.5, 12.34, 1e300,
    1e-300, "", " ", "0", "1", "12", " 12 ", "+12", "-0", "+1", "007", "1.0", "1.50", "1e3", "12a", "1_000",
    "１２", "9" * 30, "true", "False", "yes", "no", "null", "Null", "nan", "inf", "-inf", "0x10",
    "1,5", "US$1", "[]", "{}", '["a"]', '{"a": 1}', '{"success": false}', "2026-01-02 03:04:05", "2026-01-02",
    "20260102030405000+0800", 1767323045, 1767323045000, [], {}, [None], [[]], ["a"], [1, "b"],
    {"success": False}, {"success": "false", "code": "x"}, "饼干", "\u0000",
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
    return compile_operation(METHODS[case.rpc], Dialect(case.dialect), dates=JsonDates.TEXT)


def check_agreement(case: ResponseCase, operation: Operation, body: bytes) -> bool:
    """Return whether the fast decoder decoded the response. If so, check the tolerant decoder's response."""
    request = ParseDict(case.request, operation.request())
    try:
        fast = operation.parse(body, request)
    except ValueError:  # not JSON
        return False
    if not isinstance(fast, DecodeResult):
        return False
    parsed = parse(body)
    assert error_from_response(200, parsed) is None
    tolerant = operation.decode(parsed, request)
    response = GetMessageClass(METHODS[case.rpc].output_type)
    assert response.FromString(fast.response) == response.FromString(tolerant.response)
    assert not tolerant.unreadable
    return True


@pytest.mark.parametrize("name", CASES)
def test_samples_decode_alike(name):
    case = CASES[name]
    is_fast = check_agreement(case, compile_case(case), case.body)
    assert not (is_fast and case.error), "an error of 1688 was decoded as a response"


def test_fast_decoder_decodes_more_than_the_documented_samples():
    fast = {name for name, case in CASES.items() if check_agreement(case, compile_case(case), case.body)}
    assert fast > set(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_fast_decoder_decodes_documented_replies(name):
    assert check_agreement(CASES[name], compile_case(CASES[name]), CASES[name].body)


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


OPERATIONS = {name: compile_case(CASES[name]) for name in DOCUMENTED}


def _iterate_members(value: Any) -> Any:
    """Yield every member of every object and every element of every list, as container and key."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _iterate_members(value[key])
