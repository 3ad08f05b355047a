"""1688's many envelopes: where the flag, the code, the text and the payload of a reply are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from nationalsite.errors.v1 import ErrorReason
from nationalsite.upstream.v1 import ErrorMapping, Operation

from services.adapter.codec.conversions import ConversionError, read_bool, read_text
from services.adapter.codec.decoder import NOTHING, as_list, as_object
from services.adapter.codec.tolerant_json import Json, parse
from services.errors import UpstreamRefused, UpstreamUnreadable

FLAGS = ("success", "succes", "isSuccess")
CODES = ("code", "errorCode", "error_code")
TEXTS = ("message", "errorMsg", "erroMsg", "errorInfo", "errorMessage", "error_message", "extErrorMessage")
SUCCESS_CODES = frozenset({"S0000", "200", "0"})
"""Codes that have been seen beside a success."""

_NO_ROW = "UPSTREAM_REFUSED"
"""The reason of a refusal that no row speaks of."""


class Kind(Enum):
    """The JSON kind of payload that a response needs."""

    OBJECT = auto()
    LIST = auto()
    TEXT = auto()
    VERDICT = auto()
    """True is the whole answer; false refuses."""
    NOTHING = auto()
    """The envelope's flag is the whole answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What stands around a payload."""

    body: Json
    flag: bool | None
    code: str
    text: str


def open_envelope(reply: Json) -> Envelope:
    """Find the envelope: the reply, or its `result` object where no flag stands beside it.

    A refusal inside a success is a refusal.
    """
    body = reply
    if isinstance(reply, dict) and _flag(reply) is None:
        inner = _object(reply.get("result"))
        # A list of one stands for an object, but it may be the payload: a flag inside tells.
        if inner is not None and (as_list(reply["result"]) is None or _flag(inner) is not None):
            body = inner
    while isinstance(body, dict) and (inner := _object(body.get("result"))) and _flag(inner) is False:
        body = inner
    if not isinstance(body, dict):
        return Envelope(body=body, flag=None, code="", text="")
    return Envelope(body=body, flag=_flag(body), code=_first(body, CODES), text=_first(body, TEXTS))


class PayloadReader:
    """Finds the payload of one operation's replies, or says what its absence means."""

    def __init__(self, operation: Operation, kind: Kind, *, other_path: str, members: frozenset[str]) -> None:
        """`other_path` is where the other dialect has its payload; `members` are the payload's own names."""
        self._own_path = operation.payload
        self._declared = tuple(dict.fromkeys((operation.payload, other_path)))
        self._paths = tuple(dict.fromkeys((*self._declared, "data", "result", "")))
        self._kind = kind
        self._members = members - {*FLAGS, *CODES, *TEXTS}
        self._may_be_empty = operation.may_be_empty
        self._rows = tuple(map(_ErrorRule, operation.error_mappings))

    def read(self, reply: Json) -> Json:
        """Return the payload, or None for an empty answer. Raises Refused or Unreadable."""
        envelope = open_envelope(reply)
        if envelope.flag is False:
            raise self._refused(envelope, None)
        payload = self._find(envelope)
        if any(row.of_payload and row.matches(envelope, payload) for row in self._rows):
            raise self._refused(envelope, payload)
        elsewhere = payload is None or payload is envelope.body
        if payload is False or (elsewhere and _is_false(get_path(envelope.body, self._own_path))):
            raise self._refused(envelope, payload)
        return self._missing(envelope) if payload is None else payload

    def _find(self, envelope: Envelope) -> Json:
        if self._kind is Kind.NOTHING:
            verdicts = [_fit_verdict(get_path(envelope.body, path)) for path in self._paths if path]
            if envelope.flag or True in verdicts:
                return False not in verdicts
            return None
        for path in self._paths:
            found = self._whole(envelope) if path == "" else _FITS[self._kind](get_path(envelope.body, path))
            if found is not None:
                return found
        if self._kind is Kind.OBJECT:
            for path in filter(None, self._declared):
                if (found := _object(get_path(envelope.body, path))) is not None:
                    return found
        return None

    def _whole(self, envelope: Envelope) -> Json:
        """Return the envelope itself where it is the payload: a list, or what holds one of its members."""
        body = envelope.body
        if self._kind is Kind.LIST and isinstance(body, list):
            return body
        if self._kind is Kind.OBJECT and isinstance(body, dict):
            return body if any(body.get(name) not in NOTHING for name in self._members) else None
        return None

    def _missing(self, envelope: Envelope) -> Json:
        # Without a flag, a code of success refuses nothing; nor does it prove anything.
        if envelope.flag is None and (envelope.code or envelope.text) and envelope.code not in SUCCESS_CODES:
            raise self._refused(envelope, None)
        if envelope.flag and self._may_be_empty:
            return None
        raise UpstreamUnreadable(
            "1688's answer holds no payload", code=envelope.code, upstream_message=envelope.text
        )

    def _refused(self, envelope: Envelope, payload: Json) -> UpstreamRefused:
        reason = next((row.reason for row in self._rows if row.matches(envelope, payload)), _NO_ROW)
        return UpstreamRefused(
            reason, "1688 refused the call", code=envelope.code, upstream_message=envelope.text
        )


class _ErrorRule:
    """A refusal row. All that it names must match."""

    def __init__(self, row: ErrorMapping) -> None:
        self.reason = ErrorReason.Name(row.reason).removeprefix("ERROR_REASON_")
        self.of_payload = bool(row.payload)
        self._payload = parse(row.payload) if row.payload else None
        self._codes = tuple(row.codes)
        self._text = row.text

    def matches(self, envelope: Envelope, payload: Json) -> bool:
        return (
            (not self._codes or any(_code_matches(code, envelope.code) for code in self._codes))
            and (self._text in envelope.text or self._text in envelope.code)
            and (not self.of_payload or self._matches_payload(envelope, payload))
        )

    def _matches_payload(self, envelope: Envelope, payload: Json) -> bool:
        """Of an absent payload a row speaks only where the flag says that all went well."""
        if envelope.flag is False or (payload is None and not envelope.flag):
            return False
        return payload == self._payload


def _code_matches(pattern: str, code: str) -> bool:
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern


def get_path(body: Json, path: str) -> Json:
    """Return what stands at a path of member names, through JSON text and lists of one; None for nothing."""
    for name in filter(None, path.split(".")):
        inner = _object(body)
        body = None if inner is None else inner.get(name)
    return body


def _object(value: Json) -> dict[str, Json] | None:
    try:
        return as_object(value)
    except ConversionError:
        return None


def _flag(body: dict[str, Json]) -> bool | None:
    for name in FLAGS:
        try:
            flag = read_bool(body.get(name))
        except ConversionError:
            continue
        if flag is not None:
            return flag
    return None


def _first(body: dict[str, Json], names: Sequence[str]) -> str:
    for name in names:
        value = body.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""


def _fit_object(found: Json) -> Json:
    return None if isinstance(found, list) else _object(found)


def _fit_text(found: Json) -> Json:
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    text = read_text(found)
    return None if text is None or text.lower() in ("true", "false") else text


def _is_false(found: Json) -> bool:
    """Whether a member says false and nothing else: 0 may be a number of something."""
    return found is False or (isinstance(found, str) and found.strip().lower() == "false")


def _fit_verdict(found: Json) -> Json:
    try:
        return read_bool(found)
    except ConversionError:
        return None


_FITS: dict[Kind, Callable[[Json], Json]] = {
    Kind.OBJECT: _fit_object,
    Kind.LIST: as_list,
    Kind.TEXT: _fit_text,
    Kind.VERDICT: _fit_verdict,
    Kind.NOTHING: lambda _: None,
}
