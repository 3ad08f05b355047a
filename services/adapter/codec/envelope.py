"""Finds success flag, code, text and payload in 1688's responses, and maps errors to reasons."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from nationalsite.errors.v1 import ErrorReason
from nationalsite.upstream.v1 import ErrorMapping, Operation

from services.adapter.codec.conversions import ConversionError, parse_bool, parse_text
from services.adapter.codec.json_values import EMPTY_VALUES, as_list, try_object
from services.adapter.codec.response_content import Content, is_blank_json
from services.adapter.codec.tolerant_json import Json, parse
from services.adapter.error_words import CODES, TEXTS, ErrorWords, read_error_words
from services.errors import UpstreamRefused, UpstreamUnreadable

FLAGS = ("success", "succes", "isSuccess")
"""Names of the success flag. An earlier name has precedence."""

_ENVELOPE_NAMES = frozenset({*FLAGS, *CODES, *TEXTS})
_IGNORED_NAMES = frozenset({"requestid", "traceid", "eagleeyetraceid", "costtime", "timestamp", "host"})
"""Members that are no content of a response, in lower case and without underscores."""
_FAULT = "UPSTREAM_FAULT"
_DEFAULT_REASON = "UPSTREAM_REFUSED"
"""The reason of an error that matches no error mapping."""


class PayloadKind(Enum):
    """The JSON type that the payload of an operation must have."""

    OBJECT = auto()
    LIST = auto()
    TEXT = auto()
    BOOLEAN = auto()
    """The value true is a success without content, false is an error."""
    NONE = auto()
    """No payload: the envelope's flag says whether the call succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The envelope of a response, and what its members say."""

    body: Json
    """The envelope itself. The payload is in it."""
    flag: bool | None
    """The success flag; None if it is absent."""
    words: ErrorWords
    """Its code and text."""


def open_envelope(response: Json) -> Envelope:
    """Find the envelope: the response, or its `result` object if the response itself has no flag.

    If the `result` of this envelope has a flag that says failure, the call has failed: return the `result`.
    Code and text are those of the innermost of these objects that has an error code or text.
    """
    body = response
    objects = [response] if isinstance(response, dict) else []
    if isinstance(response, dict) and _read_flag(response) is None:
        nested = try_object(response.get("result"))
        # A list of one object may be the envelope or the payload. It is the envelope if it has a flag.
        if nested is not None and (as_list(response["result"]) is None or _read_flag(nested) is not None):
            body = nested
            objects.append(nested)
    while (
        isinstance(body, dict) and (nested := try_object(body.get("result"))) and _read_flag(nested) is False
    ):
        body = nested
        objects.append(nested)
    if not isinstance(body, dict):
        return Envelope(body=body, flag=None, words=ErrorWords())
    return Envelope(body=body, flag=_read_flag(body), words=_find_words(objects))


def _find_words(objects: list[dict[str, Json]]) -> ErrorWords:
    """Return the words of the last object that has an error code or text; of the last object if none has."""
    words = [read_error_words(each) for each in reversed(objects)]
    return next((each for each in words if each.has_error_code or each.has_error_text), words[0])


class PayloadReader:
    """Finds the payload in the responses of one operation."""

    def __init__(
        self,
        operation: Operation,
        kind: PayloadKind,
        *,
        other_path: str,
        members: frozenset[str],
        is_page: bool,
        is_read_only: bool,
    ) -> None:
        """`other_path`: the payload's path in the other dialect. `members`: the payload's member names."""
        self._path = operation.payload
        self._payload_name = operation.payload.rpartition(".")[2]
        self._declared_paths = tuple(dict.fromkeys((operation.payload, other_path)))
        # If the `result` of the response is the envelope, the payload's path begins in it.
        inner = [path.removeprefix("result.") for path in self._declared_paths]
        self._paths = tuple(dict.fromkeys((*self._declared_paths, *inner, "data", "result", "")))
        self._kind = kind
        self._containers = frozenset(name for path in self._paths for name in path.split("."))
        self._members = members - _ENVELOPE_NAMES
        self._may_be_empty = operation.may_be_empty
        self._is_page = is_page
        self._is_read_only = is_read_only
        self._error_matchers = tuple(map(_ErrorMatcher, operation.error_mappings))
        self._empty_matchers = tuple(map(_ErrorMatcher, operation.empty_responses))

    def read(self, response: Json) -> tuple[Json, Envelope]:
        """Return the payload, or None if there is none; and the envelope. Raises UpstreamRefused.

        If the payload is None or has no content, `check_content` decides what that means.
        """
        envelope = open_envelope(response)
        if envelope.flag is False:
            if self._says_empty(envelope.words):
                return None, envelope
            raise self._build_error(envelope)
        payload = self._find(envelope)
        if (row := self._find_row(envelope, payload)) is not None:
            raise self._build_error(envelope, row.reason)
        is_below_envelope = payload is not None and payload is not envelope.body
        if payload is False or (not is_below_envelope and _is_false(get_path(envelope.body, self._path))):
            raise self._build_error(envelope)
        if self._kind is PayloadKind.NONE and envelope.words.is_fault and not self._is_confirmed(envelope):
            raise self._build_error(envelope)
        return payload, envelope

    def find_all(self, response: Json) -> Iterator[dict[str, Json]]:
        """Yield every object of a response that can be its payload, if payloads are objects."""
        for body in (open_envelope(response).body, response):
            for path in self._paths:
                if (payload := try_object(get_path(body, path))) is not None:
                    yield payload

    def check_content(self, response: Json, envelope: Envelope, content: Content) -> None:
        """Raise the error of a response that does not bring what it exists for, unless it may be empty."""
        words = envelope.words
        if self._says_empty(words):
            return
        is_error = words.has_error_code or (words.has_error_text and not words.codes)
        if envelope.flag is None and is_error:
            reason = _FAULT if self._is_read_only and words.is_fault else ""
            raise self._build_error(envelope, reason)
        if envelope.flag and words.is_fault:
            raise self._build_error(envelope)
        if content is Content.EMPTY:
            return
        is_error = words.has_error_code or words.has_error_text
        # A write that is reported as a success may have been executed, whatever the code says.
        if envelope.flag and is_error and self._is_read_only:
            reason = self._find_reason(envelope)
            if reason or words.has_error_code:
                raise self._build_error(envelope, reason)
        if envelope.flag and not is_error and not self._holds_more(response):
            reason = next((row.reason for row in self._error_matchers if row.matches_absence), "")
            if reason:
                raise self._build_error(envelope, reason)
            if self._may_be_empty or (self._is_page and self._is_sent(envelope.body)):
                return
        raise UpstreamUnreadable(
            "1688's response does not have the content that it exists for",
            code=words.code,
            upstream_message=words.text,
        )

    def build_rejection(self, code: str, text: str) -> UpstreamRefused:
        """Return the error of a part of a response that 1688 rejected with this code and text."""
        words = ErrorWords((code,) if code else (), text)
        return self._build_error(Envelope(body=None, flag=False, words=words))

    def _says_empty(self, words: ErrorWords) -> bool:
        """Whether code and text say that there is nothing yet."""
        return not words.is_fault and any(row.matches(words) for row in self._empty_matchers)

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
                if (payload := try_object(get_path(body, path))) is not None:
                    return payload
            if "" in self._declared_paths and isinstance(body, dict) and self._members & body.keys():
                return body  # its members are there, though they are empty
        return None

    def _accept_body(self, body: Json) -> Json:
        """Return the body if it is the payload: a list, or an object with a member of the payload."""
        if self._kind is PayloadKind.LIST and isinstance(body, list):
            return body
        if self._kind is PayloadKind.OBJECT and isinstance(body, dict):
            return body if any(body.get(name) not in EMPTY_VALUES for name in self._members) else None
        return None

    def _find_row(self, envelope: Envelope, payload: Json) -> "_ErrorMatcher | None":
        """Return the error mapping that matches a payload with content, such as the image id "0"."""
        if payload in EMPTY_VALUES:
            return None
        rows = (row for row in self._error_matchers if row.has_payload and not row.matches_absence)
        return next((row for row in rows if row.payload == payload and row.matches(envelope.words)), None)

    def _is_sent(self, body: Json) -> bool:
        """Whether the payload is there, though it may be null."""
        parent, _, name = self._path.rpartition(".")
        container = try_object(get_path(body, parent))
        return container is not None and name in container

    def _is_confirmed(self, envelope: Envelope) -> bool:
        """Whether a response without a payload has true beside its flag."""
        return any(_accept_boolean(get_path(envelope.body, path)) for path in self._paths if path)

    def _holds_more(self, response: Json) -> bool:
        """Whether a response has members with content that is not part of the envelope.

        Then the response is not understood, and is no proof that 1688 has found nothing.
        """
        if (body := try_object(response)) is None:
            return not is_blank_json(response)
        for name, value in body.items():
            if name in _ENVELOPE_NAMES or name.lower().replace("_", "") in _IGNORED_NAMES:
                continue
            if is_blank_json(value):
                continue
            if name not in self._containers:
                return True
            flag = _accept_boolean(value)
            if flag and name == self._payload_name:  # true in place of the payload
                return True
            if flag is None and self._holds_more(value):
                return True
        return False

    def _find_reason(self, envelope: Envelope) -> str:
        """Return the reason of the first error mapping that matches code and text; empty if none does."""
        rows = (row for row in self._error_matchers if not row.has_payload)
        return next((row.reason for row in rows if row.matches(envelope.words)), "")

    def _build_error(self, envelope: Envelope, reason: str = "") -> UpstreamRefused:
        words = envelope.words
        if envelope.flag and words.is_fault:
            reason = _FAULT
        return UpstreamRefused(
            reason or self._find_reason(envelope) or _DEFAULT_REASON,
            "1688 rejected the call",
            code=words.code,
            upstream_message=words.text,
        )


class _ErrorMatcher:
    """One error mapping. Each condition that is set in it must match."""

    def __init__(self, option: ErrorMapping) -> None:
        self.reason = ErrorReason.Name(option.reason).removeprefix("ERROR_REASON_")
        self.has_payload = bool(option.payload)
        self.payload = parse(option.payload) if option.payload else None
        self.matches_absence = self.has_payload and self.payload in EMPTY_VALUES
        self._codes = tuple(option.codes)
        self._text = option.text

    def matches(self, words: ErrorWords) -> bool:
        """Whether code and text match."""
        texts = (words.text, *words.codes)
        return (
            not self._codes
            or any(_code_matches(pattern, code) for pattern in self._codes for code in words.codes)
        ) and any(self._text in text for text in texts)


def _code_matches(pattern: str, code: str) -> bool:
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern


def get_path(body: Json, path: str) -> Json:
    """Return the value at a path of member names; None if absent.

    An object on the path may also be JSON text, or the only element of a list.
    """
    for name in filter(None, path.split(".")):
        nested = try_object(body)
        body = None if nested is None else nested.get(name)
    return body


def _read_flag(body: dict[str, Json]) -> bool | None:
    for name in FLAGS:
        try:
            flag = parse_bool(body.get(name))
        except ConversionError:
            continue
        if flag is not None:
            return flag
    return None


def _accept_object(value: Json) -> Json:
    return None if isinstance(value, list) else try_object(value)


def _accept_text(value: Json) -> Json:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = parse_text(value)
    return None if text is None or text.lower() in ("true", "false") else text


def _is_false(value: Json) -> bool:
    """Whether a value is false, as a boolean or text. 0 does not count: it may be a number."""
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
