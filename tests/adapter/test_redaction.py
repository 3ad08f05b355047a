"""Redaction of 1688's texts."""

import ipaddress
import json
import string
import time
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st
from nationalsite.account import v1 as account_v1
from nationalsite.product import v1 as product_v1

from services.adapter.sensitive_values import sensitive_values
from services.redaction import MAX_CHARACTERS, REDACTED, redact, redact_code

CASES = json.loads((Path(__file__).parent / "redaction_cases.json").read_text())
PHRASES = st.sampled_from(
    [
        "用户{}已存在",
        "user {} exists",
        '{{"value":"{}"}}',
        "邮箱：{}，请检查",
        "[{}]",
        "{}",
        "值={};",
        "手机号{}已注册",
    ]
)
DIGITS = st.text("0123456789", min_size=7, max_size=12)
LOCAL = st.text(string.ascii_letters + string.digits + "._+-", min_size=1, max_size=20)
LABEL = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=10)
EMAILS = st.builds(lambda local, domain, top: f"{local}@{domain}.{top}", LOCAL, LABEL, LABEL)
PHONES = st.builds(lambda plus, digits: plus + digits, st.sampled_from(["", "+"]), DIGITS)
ADDRESSES = st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str).filter(lambda ip: ip.count(":") > 2)
NAMES = (
    st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=4, max_size=40)
    .map(str.strip)
    .filter(lambda name: len(name) >= 4)
)


@given(PHRASES, EMAILS | PHONES | ADDRESSES)
def test_what_looks_like_personal_data_is_redacted(phrase: str, value: str) -> None:
    redacted = redact(phrase.format(value))
    assert value not in redacted
    assert REDACTED in redacted


@given(PHRASES, NAMES, NAMES)
def test_sensitive_values_of_the_request_are_redacted(phrase: str, name: str, other: str) -> None:
    redacted = redact(phrase.format(f"{name} {other.upper()}"), [name, other])
    assert name not in redacted.replace(REDACTED, "")
    assert REDACTED in redacted


@given(st.text(max_size=500), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_becomes_one_short_line(text: str, sensitive: list[str]) -> None:
    redacted = redact(text, sensitive)
    assert len(redacted) <= MAX_CHARACTERS
    assert redacted.splitlines() in ([redacted], [])


@pytest.mark.parametrize(
    "text",
    [
        "没有该商品的查询权限",
        "Required argument offerId",
        "AppKey is not allowed(acl)",
        "操作库存失败:PRODUCT_TRADE_STAT_ERROR",
        "Batch pay : not surport MANUAL-TRADE!",
        "gw.QosAppFrequencyLimit",
        "500_2",
        "系统异常, see com.alibaba.Foo:42",
        "price 35.90, page 2 of 40 at 10:15:30",
    ],
)
def test_other_text_is_not_redacted(text: str) -> None:
    assert redact(text, ["bob", "", "7"]) == text


@pytest.mark.parametrize(
    ("text", "sensitive", "redacted"),
    [
        ("bob exists", ["bob"], "*** exists"),
        ("sniff_bob, Bob; 'bob'已存在", ["bob"], "sniff_***, ***; '***'已存在"),
        ("bobsled in the lobby", ["bob"], "bobsled in the lobby"),
        ("13800138000", ["1"], "***"),
        ("王已存在", ["王"], "***已存在"),
        ("用户 王 已存在", ["王"], "用户 *** 已存在"),
        ("aaaa bbbb", ["aaaa", "aaaa bbbb"], "***"),
        ("* and **", ["*", "**"], "*** and ***"),
        ("bob%40example.com", [], "***"),
        ("o'brien@example.com!", ["o'brien@example.com"], "***!"),
        ("call 2a8d1c3e-0b1f-4c55-9a77-0123456789ab now", [], "call *** now"),
        ("a\x00b\r\n\u2028c\x85d", [], "a b c d"),
    ],
)
def test_redacted(text: str, sensitive: list[str], redacted: str) -> None:
    assert redact(text, sensitive) == redacted


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_forms_and_parts_of_personal_data(case: dict[str, Any]) -> None:
    assert redact(case["text"], case.get("sensitive", [])) == case["redacted"]


@pytest.mark.parametrize("ip", ["2001:db8::1", "fe80::1", "2001:0DB8:0:0:0:0:0:1", "::ffff:203.0.113.7"])
def test_ipv6_addresses(ip: str) -> None:
    assert ipaddress.ip_address(ip)
    redacted = redact(f"ip {ip} 不合法")
    assert ip not in redacted
    assert "203.0.113.7" not in redacted


@pytest.mark.parametrize("unit", ["a", "1", "1 ", "a.", ":", "a@", "1.", "-", "% "])
def test_no_text_takes_long(unit: str) -> None:
    started = time.perf_counter()
    redact(unit * 1_000_000, ["aaa", "1111"])
    assert time.perf_counter() - started < 1


def test_sensitive_values_of_a_request() -> None:
    buyer = account_v1.CountryAccount(
        country="japan", site="sniff", out_login_name="a", out_member_id="b", email="c", mobile="d", ip="e"
    )
    request = account_v1.RegisterUserRequest(country_account=buyer)
    assert list(sensitive_values(request)) == ["a", "c", "d", "e"]
    assert list(sensitive_values(product_v1.SearchByKeywordRequest(keyword="x", filters=["y"]))) == []


def test_values_in_marked_lists_and_messages_are_sensitive() -> None:
    file = descriptor_pb2.FileDescriptorProto(
        name="privacy_test.proto", package="privacytest", syntax="proto3"
    )
    inner, outer = file.message_type.add(name="Inner"), file.message_type.add(name="Outer")
    field = descriptor_pb2.FieldDescriptorProto
    inner.field.add(name="text", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    outer.field.add(name="names", number=1, type=field.TYPE_STRING, label=field.LABEL_REPEATED)
    for number, name in enumerate(("marked", "plain"), start=2):
        outer.field.add(
            name=name,
            number=number,
            type=field.TYPE_MESSAGE,
            label=field.LABEL_REPEATED,
            type_name=".privacytest.Inner",
        )
    outer.field[0].options.debug_redact = outer.field[1].options.debug_redact = True
    descriptor_pool.Default().Add(file)
    message_class = message_factory.GetMessageClass(
        descriptor_pool.Default().FindMessageTypeByName("privacytest.Outer")
    )
    request = message_class(names=["a", "b"], marked=[{"text": "c"}], plain=[{"text": "d"}])
    assert list(sensitive_values(request)) == ["a", "b", "c"]


@pytest.mark.parametrize("code", ["", "0", "gw.QosAppFrequencyLimit", "FAIL_BIZ-1:2", "x" * 64])
def test_a_code_is_logged(code):
    assert redact_code(code) == code


@pytest.mark.parametrize("code", ["user hanako exists", "用户不存在", "x" * 65, "a\n"])
def test_a_sentence_in_place_of_a_code_is_redacted(code):
    assert redact_code(code) == REDACTED


@pytest.mark.parametrize("name", ["Nguyễn Văn Đạt", "Strauß", "ÀẵÕđạ", "Đạ"])
@pytest.mark.parametrize("spelt", [str, str.upper, str.lower])
def test_a_name_is_redacted_in_any_case_of_any_script(name, spelt):
    assert redact(f"用户 {spelt(name)} 已存在", [name]) == f"用户 {REDACTED} 已存在"
