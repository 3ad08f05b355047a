"""Registers the buyers of national sites."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.sandbox.context import SandboxContext
from services.sandbox.http import envelopes
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import BusinessError
from services.sandbox.http.operation import DialectSpec
from services.sandbox.operations.registry import operation

Account = Mapping[str, str]
"""The fields of an account that are set and not blank."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOBILE = re.compile(r"\+?[\d\- ]{5,30}")
_OPEN_PLATFORM_REQUIRED = (
    "country",
    "site",
    "outLoginId",
    "outMemberId",
    "email",
    "mobile",
    "mobileArea",
    "ip",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition that an account must meet, and the message if it does not."""

    is_met: Callable[[Account], bool]
    message: str


def _required(name: str) -> Rule:
    return Rule(is_met=lambda account: name in account, message=f"{name} is required")


def _max_length(name: str, length: int, message: str) -> Rule:
    return Rule(is_met=lambda account: len(account.get(name, "")) <= length, message=message)


def _format(name: str, matches: Callable[[str], object], message: str) -> Rule:
    return Rule(is_met=lambda account: name not in account or bool(matches(account[name])), message=message)


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_site(text: str) -> bool:
    return text == text.lower() and not re.search(r"\s", text)


RULES: Mapping[Dialect, tuple[Rule, ...]] = {
    Dialect.NATIONAL_SITE: (
        *(_required(name) for name in ("country", "site", "outLoginName", "outMemberId", "ip")),
        Rule(
            is_met=lambda account: "mobile" in account or "email" in account,
            message="mobile or email is required",
        ),
        Rule(
            is_met=lambda account: "mobile" not in account or "mobileArea" in account,
            message="mobileArea is required",
        ),
        _max_length("outLoginName", 32, "outLoginName is too long"),
        _max_length("outMemberId", 64, "outMemberId is too long"),
        _format("email", _EMAIL.fullmatch, "email format is incorrect"),
        _format("mobile", _MOBILE.fullmatch, "mobile format is incorrect"),
        _format("ip", _is_ip_address, "ip format is incorrect"),
    ),
    Dialect.OPEN_PLATFORM: (
        *(_required(name) for name in _OPEN_PLATFORM_REQUIRED),
        _max_length("site", 16, "站点长度不能超过16"),
        _format("site", _is_site, "站点格式不正确"),
        _max_length("outLoginId", 60, "登录名长度不能超过60"),
        _max_length("outMemberId", 60, "会员id长度不能超过60"),
        _max_length("email", 60, "邮箱长度不能超过60"),
        _format("email", _EMAIL.fullmatch, "邮箱格式不正确"),
        _format("mobile", _MOBILE.fullmatch, "手机号格式不正确"),
        _format("ip", _is_ip_address, "ip格式不正确"),
    ),
}

# Assumed codes: not documented.
_RULE_ERROR_CODES = {Dialect.NATIONAL_SITE: "E0001", Dialect.OPEN_PLATFORM: "F0001"}
_ALREADY_REGISTERED = {
    Dialect.NATIONAL_SITE: ("E0002", "account already exists"),
    Dialect.OPEN_PLATFORM: ("F0002", "账号已存在"),
}


@operation(
    "account.user.register",
    DialectSpec(
        dialect=Dialect.OPEN_PLATFORM,
        envelope=envelopes.NESTED_REGISTER,
        wrapper="countryAccount",
        discriminators=frozenset({"outLoginId"}),
        required=_OPEN_PLATFORM_REQUIRED,
    ),
    DialectSpec(
        dialect=Dialect.NATIONAL_SITE,
        envelope=envelopes.FLAT_REGISTER,
        wrapper="countryAccount",
    ),
)
async def register(context: SandboxContext, arguments: Arguments) -> Any:
    """Register a buyer, and return True."""
    texts = {name: arguments.string(name) or "" for name in arguments.values}
    account = {name: text for name, text in texts.items() if text.strip()}
    for rule in RULES[arguments.dialect]:
        if not rule.is_met(account):
            raise BusinessError(_RULE_ERROR_CODES[arguments.dialect], rule.message)
    if not context.state.accounts.register(account["site"], account["outMemberId"]):
        raise BusinessError(*_ALREADY_REGISTERED[arguments.dialect])
    return True
