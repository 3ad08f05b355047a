from buf.validate import validate_pb2 as _validate_pb2
from nationalsite.upstream.v1 import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegisterUserRequest(_message.Message):
    __slots__ = ("request_id", "country_account")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    country_account: CountryAccount
    def __init__(self, request_id: _Optional[str] = ..., country_account: _Optional[_Union[CountryAccount, _Mapping]] = ...) -> None: ...

class CountryAccount(_message.Message):
    __slots__ = ("country", "site", "out_login_name", "out_member_id", "email", "mobile", "mobile_area", "ip")
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    SITE_FIELD_NUMBER: _ClassVar[int]
    OUT_LOGIN_NAME_FIELD_NUMBER: _ClassVar[int]
    OUT_MEMBER_ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    MOBILE_FIELD_NUMBER: _ClassVar[int]
    MOBILE_AREA_FIELD_NUMBER: _ClassVar[int]
    IP_FIELD_NUMBER: _ClassVar[int]
    country: str
    site: str
    out_login_name: str
    out_member_id: str
    email: str
    mobile: str
    mobile_area: str
    ip: str
    def __init__(self, country: _Optional[str] = ..., site: _Optional[str] = ..., out_login_name: _Optional[str] = ..., out_member_id: _Optional[str] = ..., email: _Optional[str] = ..., mobile: _Optional[str] = ..., mobile_area: _Optional[str] = ..., ip: _Optional[str] = ...) -> None: ...

class RegisterUserResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
