from google.protobuf import descriptor_pb2 as _descriptor_pb2
from nationalsite.errors.v1 import errors_pb2 as _errors_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Absent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ABSENT_UNSPECIFIED: _ClassVar[Absent]
    ABSENT_REFUSED: _ClassVar[Absent]
    ABSENT_LEFT_OUT: _ClassVar[Absent]
    ABSENT_LOCAL: _ClassVar[Absent]

class Form(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FORM_UNSPECIFIED: _ClassVar[Form]
    FORM_NUMBER: _ClassVar[Form]
    FORM_TEXT: _ClassVar[Form]
    FORM_FEN: _ClassVar[Form]
    FORM_FOREIGN: _ClassVar[Form]
    FORM_COMPACT_TIME: _ClassVar[Form]
    FORM_COMMA_JOINED: _ClassVar[Form]
    FORM_SEMICOLON_JOINED: _ClassVar[Form]
    FORM_PAIR_TEXT: _ClassVar[Form]
    FORM_FILE: _ClassVar[Form]
ABSENT_UNSPECIFIED: Absent
ABSENT_REFUSED: Absent
ABSENT_LEFT_OUT: Absent
ABSENT_LOCAL: Absent
FORM_UNSPECIFIED: Form
FORM_NUMBER: Form
FORM_TEXT: Form
FORM_FEN: Form
FORM_FOREIGN: Form
FORM_COMPACT_TIME: Form
FORM_COMMA_JOINED: Form
FORM_SEMICOLON_JOINED: Form
FORM_PAIR_TEXT: Form
FORM_FILE: Form
OPERATION_FIELD_NUMBER: _ClassVar[int]
operation: _descriptor.FieldDescriptor
WIRE_FIELD_NUMBER: _ClassVar[int]
wire: _descriptor.FieldDescriptor
WORD_FIELD_NUMBER: _ClassVar[int]
word: _descriptor.FieldDescriptor

class Operation(_message.Message):
    __slots__ = ("api", "param", "payload", "each", "anonymous", "local", "may_be_empty", "refusals", "national_site", "open_platform")
    API_FIELD_NUMBER: _ClassVar[int]
    PARAM_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    EACH_FIELD_NUMBER: _ClassVar[int]
    ANONYMOUS_FIELD_NUMBER: _ClassVar[int]
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    MAY_BE_EMPTY_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    NATIONAL_SITE_FIELD_NUMBER: _ClassVar[int]
    OPEN_PLATFORM_FIELD_NUMBER: _ClassVar[int]
    api: str
    param: str
    payload: str
    each: str
    anonymous: bool
    local: bool
    may_be_empty: bool
    refusals: _containers.RepeatedCompositeFieldContainer[Refusal]
    national_site: Operation
    open_platform: Operation
    def __init__(self, api: _Optional[str] = ..., param: _Optional[str] = ..., payload: _Optional[str] = ..., each: _Optional[str] = ..., anonymous: _Optional[bool] = ..., local: _Optional[bool] = ..., may_be_empty: _Optional[bool] = ..., refusals: _Optional[_Iterable[_Union[Refusal, _Mapping]]] = ..., national_site: _Optional[_Union[Operation, _Mapping]] = ..., open_platform: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("codes", "text", "payload", "reason")
    CODES_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    codes: _containers.RepeatedScalarFieldContainer[str]
    text: str
    payload: str
    reason: _errors_pb2.ErrorReason
    def __init__(self, codes: _Optional[_Iterable[str]] = ..., text: _Optional[str] = ..., payload: _Optional[str] = ..., reason: _Optional[_Union[_errors_pb2.ErrorReason, str]] = ...) -> None: ...

class Wire(_message.Message):
    __slots__ = ("name", "read", "form", "absent", "required", "default", "words", "max_len", "pattern", "national_site", "open_platform")
    class WordsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    MAX_LEN_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    NATIONAL_SITE_FIELD_NUMBER: _ClassVar[int]
    OPEN_PLATFORM_FIELD_NUMBER: _ClassVar[int]
    name: str
    read: _containers.RepeatedScalarFieldContainer[str]
    form: Form
    absent: Absent
    required: bool
    default: str
    words: _containers.ScalarMap[str, str]
    max_len: int
    pattern: str
    national_site: Wire
    open_platform: Wire
    def __init__(self, name: _Optional[str] = ..., read: _Optional[_Iterable[str]] = ..., form: _Optional[_Union[Form, str]] = ..., absent: _Optional[_Union[Absent, str]] = ..., required: _Optional[bool] = ..., default: _Optional[str] = ..., words: _Optional[_Mapping[str, str]] = ..., max_len: _Optional[int] = ..., pattern: _Optional[str] = ..., national_site: _Optional[_Union[Wire, _Mapping]] = ..., open_platform: _Optional[_Union[Wire, _Mapping]] = ...) -> None: ...

class Word(_message.Message):
    __slots__ = ("text", "read")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    text: str
    read: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, text: _Optional[str] = ..., read: _Optional[_Iterable[str]] = ...) -> None: ...
