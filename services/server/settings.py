"""The settings of a server: one frozen object, read once from the environment."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings

from services.errors import StartupError
from services.server.sockets import parse_address
from services.settings_loader import PREFIX, SETTINGS_CONFIG, load_settings

Network: TypeAlias = IPv4Network | IPv6Network

_LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


def _parse_networks(text: object) -> object:
    """Parse addresses and networks."""
    if not isinstance(text, str):
        return text
    try:
        return tuple(network for part in text.split(",") for network in _parse_network(part.strip()))
    except ValueError:
        raise ValueError("must be addresses, networks or loopback, separated by commas") from None


def _parse_network(text: str) -> tuple[Network, ...]:
    return _LOOPBACK if text == "loopback" else (ip_network(text),)


def _check_address(text: str) -> str:
    parse_address(text)
    return text


MAX_AGE_S = 2_000_000
"""gRPC counts the milliseconds in 32 bits."""
MAX_DEADLINE_S = 86_400


class DeadlineLimits(BaseModel):
    """How long the calls of a method may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default_s: float = Field(default=10, gt=0, le=MAX_DEADLINE_S)
    """For a caller that sets no deadline."""
    cap_s: float = Field(default=300, gt=0, le=MAX_DEADLINE_S)
    """The maximum for a caller that sets one."""

    @model_validator(mode="after")
    def _default_is_within_the_cap(self) -> Self:
        if self.default_s > self.cap_s:
            raise ValueError("default_s, which is 10 if it is not set, must not be above cap_s")
        return self


Address = Annotated[str, AfterValidator(_check_address)]
"""host:port to listen on."""
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(str.lower)]


class ServerSettings(BaseSettings):
    """The settings that all services have. A service adds its own, and defaults for the two addresses."""

    model_config = SETTINGS_CONFIG

    listen: str
    """host:port of gRPC. Port 0 is any free port."""
    http_listen: str
    """host:port of /metrics, /livez and /readyz."""
    reflection: bool = True
    """Whether gRPC server reflection is served."""
    log_level: LogLevel = "info"
    tls_cert_file: Path | None = None
    """The server's certificate chain, PEM. If this and the key are set, callers must use TLS."""
    tls_key_file: Path | None = None
    tls_client_ca_file: Path | None = None
    """The CAs of client certificates, PEM. If set, callers must present a client certificate (mTLS)."""
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_parse_networks)] = ()
    """Peers whose `x-forwarded-client-cert` is trusted: addresses, networks, `loopback`; comma-separated."""
    policy_file: Path | None = None
    """Which caller may call which method (server/security/policy.py). Unset: each caller, each method."""
    allow_unauthenticated_callers: bool = False
    """Whether callers without an identity may call. On loopback they may, unless there is a policy."""
    deadlines: Json[dict[str, DeadlineLimits]] | None = None
    """How long calls may take, by method: `{"SearchByKeyword": {"default_s": 5, "cap_s": 20}}`."""
    connection_age_s: float = Field(
        1800, ge=0, le=MAX_AGE_S, validation_alias=f"{PREFIX}CONNECTION_AGE_SECONDS"
    )
    """How long a connection accepts new calls, plus or minus a tenth. Then callers reconnect, which balances
    them over the replicas. 0: without limit."""
    connection_age_grace_s: float = Field(
        300, ge=1, le=MAX_AGE_S, validation_alias=f"{PREFIX}CONNECTION_AGE_GRACE_SECONDS"
    )
    """How long calls may continue on a connection that has reached its age."""
    max_calls_per_caller: int = Field(2000, ge=1, le=20_000)
    """Calls in flight of one caller, in this replica, without streams."""
    max_streams_per_caller: int = Field(100, ge=1, le=10_000)
    """Open streams of one caller, in this replica. A caller without an identity is its host."""
    max_streams_per_connection: int = Field(500, ge=1, le=900)
    """Open streams on one connection. It carries at most 1,000 calls, so that some are left for others."""
    channelz: bool = False
    """Whether grpc.channelz.v1 is served: gRPC's statistics of its connections and calls."""
    drain_delay_s: float = Field(0, ge=0, le=3600, validation_alias=f"{PREFIX}DRAIN_DELAY_SECONDS")
    """How long calls are still accepted after SIGTERM, until load balancers notice."""
    grace_s: float = Field(25, ge=0, le=3600, validation_alias=f"{PREFIX}GRACE_SECONDS")
    """How long calls in flight may take to finish after the drain delay."""

    @model_validator(mode="after")
    def _tls_is_complete(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError(f"{PREFIX}TLS_CERT_FILE and {PREFIX}TLS_KEY_FILE need each other")
        if self.tls_client_ca_file and not self.tls_cert_file:
            raise ValueError(f"{PREFIX}TLS_CLIENT_CA_FILE needs {PREFIX}TLS_CERT_FILE")
        return self

    @field_validator("listen", "http_listen")
    @classmethod
    def _host_and_port(cls, address: str) -> str:
        return _check_address(address)


S = TypeVar("S", bound=ServerSettings)


def read_settings(cls: type[S]) -> S:
    """Return the settings. If some are wrong, print a line to stderr for each, and exit with code 2."""
    try:
        return load_settings(cls)
    except StartupError as error:
        error.exit()
