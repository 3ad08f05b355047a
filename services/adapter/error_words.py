"""Reads code and text of an error from the members of a response, also if a text is itself JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

# Names of members. An earlier name has precedence.
CODES = ("code", "errorCode", "error_code")
TEXTS = ("message", "errorMsg", "erroMsg", "errorInfo", "errorMessage", "error_message", "extErrorMessage")
SUCCESS_CODES = frozenset({"s0000", "200", "0", "success", "ok"})
"""Codes that 1688 sends with a success, in lower case."""

_SUCCESS_TEXTS = frozenset({"success", "ok", "成功", "操作成功", "查询成功", "请求成功", "调用成功", "null"})
"""Texts that 1688 sends with a success, in lower case."""
_FAULT_CODES = frozenset({"500", "502", "503", "504"})
_FAULT_TEXTS = (
    "系统繁忙",
    "系统异常",
    "系统错误",
    "服务繁忙",
    "服务异常",
    "服务不可用",
    "system busy",
    "system error",
    "service unavailable",
)
_NOTHING_FOUND_TEXTS = ("没有找到", "未找到", "没有结果", "无结果", "not found", "no result")
_MAX_DEPTH = 4
"""How often a text is unwrapped. It is not trusted to end."""


@dataclass(frozen=True, slots=True)
class ErrorWords:
    """What an envelope says about an error. Codes of success are codes too."""

    codes: tuple[str, ...] = ()
    """Every code, the innermost first."""
    text: str = ""
    """Every text: plain words first, then what stood in JSON, joined by "; "."""

    @property
    def code(self) -> str:
        """The innermost code; empty if there is none."""
        return self.codes[0] if self.codes else ""

    @property
    def has_error_code(self) -> bool:
        """Whether there is a code that does not mean success."""
        return any(not is_success_code(code) for code in self.codes)

    @property
    def has_error_text(self) -> bool:
        """Whether there is a text that neither means success, nor that nothing was found."""
        return any(
            text not in _SUCCESS_TEXTS and not any(part in text for part in _NOTHING_FOUND_TEXTS)
            for text in map(str.strip, self.text.lower().split("; "))
            if text
        )

    @property
    def is_fault(self) -> bool:
        """Whether they say that 1688 itself failed."""
        text = self.text.lower()
        is_unexplained = self.code in _FAULT_CODES and not self.has_error_text
        return is_unexplained or any(fault in text for fault in _FAULT_TEXTS)


def is_success_code(code: str) -> bool:
    """Whether 1688 sends this code with a success."""
    return code.lower() in SUCCESS_CODES or not code.strip("0")


def read_error_words(body: Mapping[str, Any]) -> ErrorWords:
    """Return codes and texts of an object. A text that is JSON is replaced by the words in it.

    If a text was JSON, the outer code stands at the end of the text: it is no longer the code.
    """
    code = first_text(body, CODES)
    codes = [code] if code else []
    plain: list[str] = []
    unwrapped: list[str] = []
    for text in filter(None, (first_text(body, (name,)) for name in TEXTS if name in body)):
        nested = _unwrap(text)
        if nested is None:
            plain.append(text)
        else:
            unwrapped += nested.texts
            codes = [*nested.codes, *codes]
    outer = [f"code: {code}"] if code and codes[0] != code else []
    return ErrorWords(tuple(dict.fromkeys(codes)), "; ".join(dict.fromkeys((*plain, *unwrapped, *outer))))


@dataclass(frozen=True, slots=True)
class _Unwrapped:
    codes: list[str]
    """The innermost first."""
    texts: list[str]
    """The innermost first."""


def _unwrap(text: str, depth: int = 0) -> _Unwrapped | None:
    """Return the words of a text that is a JSON object; None if it is not."""
    if depth >= _MAX_DEPTH or text.lstrip()[:1] not in ("{", '"'):
        return None
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, str):  # JSON text of JSON text
        return _unwrap(value, depth + 1)
    if not isinstance(value, dict):
        return None
    codes: list[str] = []
    inner: list[str] = []
    own: list[str] = []
    for name, text_ in _iterate_texts(value):
        nested = _unwrap(text_, depth + 1)
        if nested is not None:
            codes += nested.codes
            inner += nested.texts
        elif name in CODES:
            continue
        else:
            own.append(text_ if name in TEXTS else f"{name}: {text_}")
    own_code = first_text(value, CODES)
    own += [f"code: {own_code}"] if codes and own_code else []
    codes += [own_code] if own_code else []
    return _Unwrapped(codes, [*inner, *own])


def _iterate_texts(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield names and texts of an object: the known texts first. A nested object is yielded as JSON."""
    for name in (*TEXTS, *(name for name in body if name not in TEXTS)):
        value = body.get(name)
        if isinstance(value, str) and value.strip().lower() not in ("", "null"):
            yield name, value


def first_text(body: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return the first of these members that is a text or a number; empty if there is none."""
    for name in names:
        value = body.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""
