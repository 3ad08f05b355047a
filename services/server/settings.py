"""Settings from the environment: one frozen object, read once, or one clear line for each that is wrong."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    Json,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings

from services.errors import StartupError
from services.server.interceptors.deadline import DeadlineLimits
from services.server.security.peer_identity import LOOPBACK, Network
from services.server.sockets import parse_address
from services.settings_loader import PREFIX, SETTINGS_CONFIG, load_settings


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
    parse_address(text)
    return text


Address = Annotated[str, AfterValidator(_address)]
"""host:port to listen on."""
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(str.lower)]


class ServerSettings(BaseSettings):
    """What every service can be told. A service adds its own fields, and defaults for the two addresses."""

    model_config = SETTINGS_CONFIG

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
    """Which caller may call what (server/security/policy.py). Unset: every caller may call every method."""
    deadlines: Json[dict[str, DeadlineLimits]] | None = None
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


S = TypeVar("S", bound=ServerSettings)


def read_settings(cls: type[S]) -> S:
    """The settings of this process, or a line on stderr for each that is missing or bad, and exit code 2."""
    try:
        return load_settings(cls)
    except StartupError as problem:
        problem.exit()
