"""The direct way and the tolerant reader agree wherever the direct way answers at all."""

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
from services.adapter.gateway.gateway_errors import error_from_reply
from tests.support.sample_cases import METHODS, ReplyCase, reply_cases

CASES = {case.name: case for case in reply_cases()}
DIRECT = (
    "keyword_query.national_site.ok",
    "keyword_query.open_platform.ok",
    "image_query.national_site.ok",
    "image_query.open_platform.ok",
    "query_product_detail.open_platform.ok",
)
"""Answers that many callers wait for."""
ENOUGH = settings(max_examples=int(os.environ.get("EXAMPLES", "15")) * 5, deadline=None)
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 2**31, 2**63, 2**63 - 1, -(2**63) - 1, 10**30, 1.0, 0.5, 12.34, 1e300,
    1e-300, "", " ", "0", "1", "12", " 12 ", "+12", "-0", "+1", "007", "1.0", "1.50", "1e3", "12a", "1_000",
    "１２", "9" * 30, "true", "False", "yes", "no", "null", "Null", "nan", "inf", "-inf", "0x10",
    "1,5", "US$1", "[]", "{}", '["a"]', '{"a": 1}', '{"success": false}', "2026-01-02 03:04:05", "2026-01-02",
    "20260102030405000+0800", 1767323045, 1767323045000, [], {}, [None], [[]], ["a"], [1, "b"],
    {"success": False}, {"success": "false", "code": "x"}, "饼干", "\u0000",
)  # fmt: skip
"""What stands in the place of a member that should be something else."""
RENAMED = (
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


def operation(case: ReplyCase) -> Operation:
    return compile_operation(METHODS[case.rpc], Dialect(case.dialect), dates=JsonDates.TEXT)


def agree(case: ReplyCase, found: Operation, body: bytes) -> bool:
    """Return whether the direct way answered; where it did, check that the tolerant one says the same."""
    request = ParseDict(case.request, found.request())
    try:
        direct = found.parse(body, request)
    except ValueError:  # no JSON in either way
        return False
    if not isinstance(direct, DecodeResult):
        return False
    reply = parse(body)
    assert error_from_reply(200, reply) is None
    tolerant = found.decode(reply, request)
    response = GetMessageClass(METHODS[case.rpc].output_type)
    assert response.FromString(direct.response) == response.FromString(tolerant.response)
    assert not tolerant.unreadable
    return True


@pytest.mark.parametrize("name", CASES)
def test_samples(name):
    case = CASES[name]
    answered = agree(case, operation(case), case.body)
    assert not (answered and case.error), "an error of 1688 was decoded as a response"


def test_more_samples_than_the_documented_ones_go_the_direct_way():
    direct = {name for name, case in CASES.items() if agree(case, operation(case), case.body)}
    assert direct > set(DIRECT)


@pytest.mark.parametrize("name", DIRECT)
def test_documented_answers_go_the_direct_way(name):
    assert agree(CASES[name], operation(CASES[name]), CASES[name].body)


@pytest.mark.parametrize("name", DIRECT)
@given(data=st.data())
@ENOUGH
def test_altered_answers(name, data):
    """Values of other kinds, members under other names, members that are missing or come on top."""
    case = CASES[name]
    body = copy.deepcopy(json.loads(case.body))
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(list(_places(body)) or [({"": None}, "")]))
        change = data.draw(st.sampled_from(("value", "value", "value", "name", "gone", "added")))
        if change == "value":
            holder[key] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
        elif change == "gone" or not isinstance(holder, dict):
            del holder[key]
        elif change == "name":
            holder[data.draw(st.sampled_from(RENAMED))] = holder.pop(key)
        else:
            holder[data.draw(st.sampled_from(RENAMED))] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
    agree(case, OPERATIONS[name], json.dumps(body, ensure_ascii=data.draw(st.booleans())).encode())


OPERATIONS = {name: operation(CASES[name]) for name in DIRECT}


def _places(value: Any) -> Any:
    """Every member of every object and every element of every list."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])
