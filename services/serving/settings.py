"""Settings from the environment: one frozen object, read once, or one clear line for each that is wrong."""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Json,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.errors import CannotStart
from services.serving.deadline import Limits
from services.serving.identity import LOOPBACK, Network
from services.serving.listeners import split

PREFIX = "NATIONALSITE_"


def _networks(text: object) -> object:
    """Addresses and networks from text."""
    if not isinstance(text, str):
        return text
    try:
        return tuple(network for part in text.split(",") for network in _network(part.strip()))
    except ValueError:
        raise ValueError("must be addresses or networks with commas between, or loopback") from None


def _network(text: str) -> tuple[Network, ...]:
    return LOOPBACK if text == "loopback" else (ip_network(text),)


def _address(text: str) -> str:
    split(text)
    return text


Address = Annotated[str, AfterValidator(_address)]
"""host:port to listen on."""
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(str.lower)]


class ServingSettings(BaseSettings):
    """What every service can be told. A service adds its own fields, and defaults for the two addresses.

    A field `app_key` is NATIONALSITE_APP_KEY; an empty variable is one that is not set. A SecretStr can also
    come from the file that `..._FILE` names. A setting that is a JSON object is declared `Json[...]`.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        enable_decoding=False,  # a Json field that does not parse is then a problem like any other
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    listen: str
    """host:port of gRPC; port 0 is any free one."""
    http_listen: str
    """host:port of /metrics, /livez and /readyz."""
    reflection: bool = True
    """Whether gRPC server reflection is on."""
    log_level: LogLevel = "info"
    tls_cert_file: Path | None = None
    """This server's certificate chain, PEM. With its key, callers need TLS."""
    tls_key_file: Path | None = None
    tls_client_ca_file: Path | None = None
    """The authorities of client certificates, which callers then have to show (mTLS)."""
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = ()
    """Whose `x-forwarded-client-cert` is believed: addresses, networks, `loopback`, with commas between."""
    policy_file: Path | None = None
    """Who may call what: see services/serving/policy.py. Without one everybody may call everything."""
    deadlines: Json[dict[str, Limits]] | None = None
    """How long calls may take, by RPC: `{"SearchByKeyword": {"default_s": 5, "cap_s": 20}}`."""
    connection_age_s: float = Field(1800, ge=0, validation_alias=f"{PREFIX}CONNECTION_AGE_SECONDS")
    """After which a connection takes no new calls, more or less a tenth, so that callers spread. 0: never."""
    connection_age_grace_s: float = Field(300, ge=1, validation_alias=f"{PREFIX}CONNECTION_AGE_GRACE_SECONDS")
    """How long calls on a connection that has reached its age may go on."""
    channelz: bool = False
    """Whether gRPC's own view of its connections and calls is served (grpc.channelz.v1)."""
    drain_delay_s: float = Field(0, ge=0, le=3600, validation_alias=f"{PREFIX}DRAIN_DELAY_SECONDS")
    """How long calls are still taken after SIGTERM, until load balancers have noticed."""
    grace_s: float = Field(25, ge=0, le=3600, validation_alias=f"{PREFIX}GRACE_SECONDS")
    """How long calls in flight may take to finish after SIGTERM."""

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError(f"{PREFIX}TLS_CERT_FILE and {PREFIX}TLS_KEY_FILE need each other")
        if self.tls_client_ca_file and not self.tls_cert_file:
            raise ValueError(f"{PREFIX}TLS_CLIENT_CA_FILE needs {PREFIX}TLS_CERT_FILE")
        return self

    @field_validator("listen", "http_listen")
    @classmethod
    def _host_and_port(cls, address: str) -> str:
        return _address(address)


S = TypeVar("S", bound=ServingSettings)


def read_settings(cls: type[S]) -> S:
    """The settings of this process, or a line on stderr for each that is missing or bad, and exit code 2."""
    try:
        return _load(cls)
    except CannotStart as problem:
        problem.exit()


def _is_text(name: str, value: str) -> bool:
    """Whether a variable of ours holds text: bytes that are none arrive as lone surrogates."""
    return not name.startswith(PREFIX) or value.isascii() or value.encode(errors="replace").decode() == value


def variable_of(cls: type[ServingSettings], field: str) -> str:
    """The environment variable of a field."""
    alias = cls.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field.upper()


def _load(cls: type[S]) -> S:
    if no_text := [name for name, value in os.environ.items() if not _is_text(name, value)]:
        raise CannotStart([f"{name}: is not UTF-8 text" for name in no_text])
    secrets, problems = _secrets_from_files(cls)
    try:
        settings = cls(**secrets)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            variable, text = _problem(cls, detail)
            problems.setdefault(variable, text)
    if problems:
        lines = [f"{variable}: {text}" if variable else text for variable, text in problems.items()]
        raise CannotStart(lines)
    return settings


def _secrets_from_files(cls: type[ServingSettings]) -> tuple[dict[str, Any], dict[str, str]]:
    """The secrets that come as files, by field, and what is wrong with them, by variable."""
    secrets: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, field in cls.model_fields.items():
        variable = variable_of(cls, name)
        path = os.environ.get(f"{variable}_FILE")
        if not path or SecretStr not in (field.annotation, *get_args(field.annotation)):
            continue
        try:
            secrets[name] = _secret_from_file(path, given_directly=bool(os.environ.get(variable)))
        except ValueError as error:
            problems[f"{variable}_FILE"] = str(error)
            secrets[name] = SecretStr("-")  # given, if badly: not to be told of as missing too
    return secrets, problems


def _secret_from_file(path: str, *, given_directly: bool) -> SecretStr:
    if given_directly:
        raise ValueError("given both here and directly, without _FILE")
    try:
        text = Path(path).read_text().rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not text") from None
    if not text:
        raise ValueError(f"{path} is empty")
    return SecretStr(text)


_WORDS = {
    "missing": "is required",
    "bool_parsing": "must be on or off",
    "json_invalid": "must be JSON",
}


def _problem(cls: type[ServingSettings], detail: ErrorDetails) -> tuple[str, str]:
    """The variable, empty where several are at odds, and what is wrong with it."""
    text = _WORDS.get(detail["type"]) or detail["msg"].removeprefix("Value error, ").replace(
        "Input should", "must"
    )
    if not detail["loc"]:
        return "", text
    field, *inner = map(str, detail["loc"])
    variable = variable_of(cls, field) if field in cls.model_fields else field
    return variable, ": ".join([*inner, text])
