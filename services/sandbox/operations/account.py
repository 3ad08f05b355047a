"""The operation that registers a member of a downstream site."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.sandbox.http import envelopes
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import Refused
from services.sandbox.http.operation import CROSS_BORDER, Arguments, Operation, Shape
from services.sandbox.state import State

Fields = Mapping[str, str]
"""The members of an account that are there and not blank."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOBILE = re.compile(r"\+?[\d\- ]{5,30}")
_OPEN_REQUIRED = ("country", "site", "outLoginId", "outMemberId", "email", "mobile", "mobileArea", "ip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an account must satisfy, and the words of the refusal."""

    holds: Callable[[Fields], bool]
    message: str


def _given(name: str) -> Rule:
    return Rule(holds=lambda fields: name in fields, message=f"{name} is required")


def _at_most(name: str, length: int, message: str) -> Rule:
    return Rule(holds=lambda fields: len(fields.get(name, "")) <= length, message=message)


def _like(name: str, fits: Callable[[str], object], message: str) -> Rule:
    return Rule(holds=lambda fields: name not in fields or bool(fits(fields[name])), message=message)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_site(text: str) -> bool:
    return text == text.lower() and not re.search(r"\s", text)


RULES: Mapping[Dialect, tuple[Rule, ...]] = {
    Dialect.NATIONAL_SITE: (
        *(_given(name) for name in ("country", "site", "outLoginName", "outMemberId", "ip")),
        Rule(
            holds=lambda fields: "mobile" in fields or "email" in fields,
            message="mobile or email is required",
        ),
        Rule(
            holds=lambda fields: "mobile" not in fields or "mobileArea" in fields,
            message="mobileArea is required",
        ),
        _at_most("outLoginName", 32, "outLoginName is too long"),
        _at_most("outMemberId", 64, "outMemberId is too long"),
        _like("email", _EMAIL.fullmatch, "email format is incorrect"),
        _like("mobile", _MOBILE.fullmatch, "mobile format is incorrect"),
        _like("ip", _is_address, "ip format is incorrect"),
    ),
    Dialect.OPEN_PLATFORM: (
        *(_given(name) for name in _OPEN_REQUIRED),
        _at_most("site", 16, "站点长度不能超过16"),
        _like("site", _is_site, "站点格式不正确"),
        _at_most("outLoginId", 60, "登录名长度不能超过60"),
        _at_most("outMemberId", 60, "会员id长度不能超过60"),
        _at_most("email", 60, "邮箱长度不能超过60"),
        _like("email", _EMAIL.fullmatch, "邮箱格式不正确"),
        _like("mobile", _MOBILE.fullmatch, "手机号格式不正确"),
        _like("ip", _is_address, "ip格式不正确"),
    ),
}

# dialect -> code of a broken rule; code and text of a repeated registration. No real code is known.
_BROKEN = {Dialect.NATIONAL_SITE: "E0001", Dialect.OPEN_PLATFORM: "F0001"}
_REPEATED = {
    Dialect.NATIONAL_SITE: ("E0002", "account already exists"),
    Dialect.OPEN_PLATFORM: ("F0002", "账号已存在"),
}


class AccountOperations:
    """Handlers over the registered members, and their rows for the table of operations."""

    def __init__(self, state: State) -> None:
        self._state = state

    def table(self) -> tuple[Operation, ...]:
        """Every operation on accounts."""
        return (
            Operation(
                namespace=CROSS_BORDER,
                name="account.user.register",
                handler=self.register,
                shapes=(
                    Shape(
                        dialect=Dialect.OPEN_PLATFORM,
                        envelope=envelopes.NESTED_REGISTER,
                        wrapper="countryAccount",
                        marks=frozenset({"outLoginId"}),
                        required=_OPEN_REQUIRED,
                    ),
                    Shape(
                        dialect=Dialect.NATIONAL_SITE,
                        envelope=envelopes.FLAT_REGISTER,
                        wrapper="countryAccount",
                    ),
                ),
            ),
        )

    async def register(self, arguments: Arguments) -> Any:
        """True: the member is registered now."""
        fields = {name: arguments.text(name) or "" for name in arguments.values}
        fields = {name: text for name, text in fields.items() if text.strip()}
        for rule in RULES[arguments.dialect]:
            if not rule.holds(fields):
                raise Refused(_BROKEN[arguments.dialect], rule.message)
        if not self._state.accounts.register(fields["site"], fields["outMemberId"]):
            raise Refused(*_REPEATED[arguments.dialect])
        return True
