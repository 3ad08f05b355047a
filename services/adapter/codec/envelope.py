"""Finds flag, code, text and payload in the envelopes of 1688's responses, and maps errors to reasons."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from nationalsite.errors.v1 import ErrorReason
from nationalsite.upstream.v1 import ErrorMapping, Operation

from services.adapter.codec.conversions import ConversionError, parse_bool, parse_text
from services.adapter.codec.decoder import EMPTY_VALUES, as_list, as_object
from services.adapter.codec.tolerant_json import Json, parse
from services.errors import UpstreamRefused, UpstreamUnreadable

FLAGS = ("success", "succes", "isSuccess")
CODES = ("code", "errorCode", "error_code")
TEXTS = ("message", "errorMsg", "erroMsg", "errorInfo", "errorMessage", "error_message", "extErrorMessage")
SUCCESS_CODES = frozenset({"S0000", "200", "0"})
"""Codes that 1688 sends with a success."""

_DEFAULT_REASON = "UPSTREAM_REFUSED"
"""The reason of an error that matches no error mapping."""


class PayloadKind(Enum):
    """The JSON kind of the payload that a response needs."""

    OBJECT = auto()
    LIST = auto()
    TEXT = auto()
    BOOLEAN = auto()
    """True is a success without content, false is an error."""
    NONE = auto()
    """The response consists of the envelope's flag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The parts of a response around the payload."""

    body: Json
    flag: bool | None
    code: str
    text: str


def open_envelope(response: Json) -> Envelope:
    """Find the envelope: the response, or its `result` object if the response itself has no flag.

    If an envelope of success contains one of failure, the call has failed.
    """
    body = response
    if isinstance(response, dict) and _read_flag(response) is None:
        nested = _try_object(response.get("result"))
        # A list of one object may be the envelope or the payload. It is the envelope if it has a flag.
        if nested is not None and (as_list(response["result"]) is None or _read_flag(nested) is not None):
            body = nested
    while (
        isinstance(body, dict) and (nested := _try_object(body.get("result"))) and _read_flag(nested) is False
    ):
        body = nested
    if not isinstance(body, dict):
        return Envelope(body=body, flag=None, code="", text="")
    return Envelope(
        body=body, flag=_read_flag(body), code=_first_text(body, CODES), text=_first_text(body, TEXTS)
    )


class PayloadReader:
    """Finds the payload in the responses of one operation."""

    def __init__(
        self, operation: Operation, kind: PayloadKind, *, other_path: str, members: frozenset[str]
    ) -> None:
        """`other_path` is the path of the payload in the other dialect, `members` are its members."""
        self._path = operation.payload
        self._declared_paths = tuple(dict.fromkeys((operation.payload, other_path)))
        self._paths = tuple(dict.fromkeys((*self._declared_paths, "data", "result", "")))
        self._kind = kind
        self._members = members - {*FLAGS, *CODES, *TEXTS}
        self._may_be_empty = operation.may_be_empty
        self._error_matchers = tuple(map(_ErrorMatcher, operation.error_mappings))

    def read(self, response: Json) -> Json:
        """Return the payload; None if it is empty. Raises UpstreamRefused and UpstreamUnreadable."""
        envelope = open_envelope(response)
        if envelope.flag is False:
            raise self._build_error(envelope, None)
        payload = self._find(envelope)
        if any(
            matcher.has_payload and matcher.matches(envelope, payload) for matcher in self._error_matchers
        ):
            raise self._build_error(envelope, payload)
        is_below_envelope = payload is not None and payload is not envelope.body
        if payload is False or (not is_below_envelope and _is_false(get_path(envelope.body, self._path))):
            raise self._build_error(envelope, payload)
        if payload is None:
            self._check_missing(envelope)
        return payload

    def _find(self, envelope: Envelope) -> Json:
        body = envelope.body
        if self._kind is PayloadKind.NONE:
            flags = [_accept_boolean(get_path(body, path)) for path in self._paths if path]
            return False not in flags if envelope.flag or True in flags else None
        accept = _ACCEPT[self._kind]
        for path in self._paths:
            payload = accept(get_path(body, path)) if path else self._accept_body(body)
            if payload is not None:
                return payload
        if self._kind is PayloadKind.OBJECT:
            for path in filter(None, self._declared_paths):
                if (payload := _try_object(get_path(body, path))) is not None:
                    return payload
        return None

    def _accept_body(self, body: Json) -> Json:
        """Return the body if it is the payload: a list, or an object with a member of the payload."""
        if self._kind is PayloadKind.LIST and isinstance(body, list):
            return body
        if self._kind is PayloadKind.OBJECT and isinstance(body, dict):
            return body if any(body.get(name) not in EMPTY_VALUES for name in self._members) else None
        return None

    def _check_missing(self, envelope: Envelope) -> None:
        """Raise the error of a response without a payload, unless it may be empty."""
        # Without a flag, a success code is neither an error nor a proof of success.
        if envelope.flag is None and (envelope.code or envelope.text) and envelope.code not in SUCCESS_CODES:
            raise self._build_error(envelope, None)
        if envelope.flag and self._may_be_empty:
            return
        raise UpstreamUnreadable(
            "1688's response has no payload", code=envelope.code, upstream_message=envelope.text
        )

    def _build_error(self, envelope: Envelope, payload: Json) -> UpstreamRefused:
        matching = (matcher.reason for matcher in self._error_matchers if matcher.matches(envelope, payload))
        return UpstreamRefused(
            next(matching, _DEFAULT_REASON),
            "1688 rejected the call",
            code=envelope.code,
            upstream_message=envelope.text,
        )


class _ErrorMatcher:
    """An error mapping. All conditions that it has must match."""

    def __init__(self, option: ErrorMapping) -> None:
        self.reason = ErrorReason.Name(option.reason).removeprefix("ERROR_REASON_")
        self.has_payload = bool(option.payload)
        self._payload = parse(option.payload) if option.payload else None
        self._codes = tuple(option.codes)
        self._text = option.text

    def matches(self, envelope: Envelope, payload: Json) -> bool:
        return (
            (not self._codes or any(_code_matches(code, envelope.code) for code in self._codes))
            and (self._text in envelope.text or self._text in envelope.code)
            and (not self.has_payload or self._matches_payload(envelope, payload))
        )

    def _matches_payload(self, envelope: Envelope, payload: Json) -> bool:
        """The mapping payload `null` means an absent payload, and matches only if the flag says success."""
        if envelope.flag is False or (payload is None and not envelope.flag):
            return False
        return payload == self._payload


def _code_matches(pattern: str, code: str) -> bool:
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern


def get_path(body: Json, path: str) -> Json:
    """Return the value at a path of member names, also in JSON text and lists of one; None if absent."""
    for name in filter(None, path.split(".")):
        nested = _try_object(body)
        body = None if nested is None else nested.get(name)
    return body


def _try_object(value: Json) -> dict[str, Json] | None:
    try:
        return as_object(value)
    except ConversionError:
        return None


def _read_flag(body: dict[str, Json]) -> bool | None:
    for name in FLAGS:
        try:
            flag = parse_bool(body.get(name))
        except ConversionError:
            continue
        if flag is not None:
            return flag
    return None


def _first_text(body: dict[str, Json], names: Sequence[str]) -> str:
    for name in names:
        value = body.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""


def _accept_object(value: Json) -> Json:
    return None if isinstance(value, list) else _try_object(value)


def _accept_text(value: Json) -> Json:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = parse_text(value)
    return None if text is None or text.lower() in ("true", "false") else text


def _is_false(value: Json) -> bool:
    """Whether a value is false, and not 0, which may be a number."""
    return value is False or (isinstance(value, str) and value.strip().lower() == "false")


def _accept_boolean(value: Json) -> Json:
    try:
        return parse_bool(value)
    except ConversionError:
        return None


_ACCEPT: dict[PayloadKind, Callable[[Json], Json]] = {
    PayloadKind.OBJECT: _accept_object,
    PayloadKind.LIST: as_list,
    PayloadKind.TEXT: _accept_text,
    PayloadKind.BOOLEAN: _accept_boolean,
    PayloadKind.NONE: lambda _: None,
}
