"""The settings of the adapter. A service inherits them in its own settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from google.protobuf.descriptor import ServiceDescriptor
from pydantic import AfterValidator, BaseModel, Field, Json, SecretStr, ValidationInfo, field_validator

from services.adapter.codec import (
    API_ID,
    LOOKUPS,
    NO_OPERATION,
    Dialect,
    JsonDates,
    LookupTables,
    Operation,
    compile_service,
)
from services.adapter.gateway import MAX_CONNECTIONS, check_redis_url


def _check_gateway_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_valid = (
            url.isprintable()  # urlsplit removes line breaks
            and " " not in url
            and parts.scheme in ("http", "https")
            and parts.hostname
            and _is_valid_host(parts.netloc, parts.port)
        )
        parts.netloc.encode("idna")
    except ValueError:
        is_valid = False
    if not is_valid or parts.query or parts.fragment:
        raise ValueError("must be the base URL of a gateway, such as https://gw.open.1688.com")
    if parts.path.rstrip("/").endswith("/openapi"):
        raise ValueError("must not end in /openapi, which is appended")
    return url


def _is_valid_host(netloc: str, port: int | None) -> bool:
    """Whether host and port contain no user, no wildcard and no invalid port."""
    return port != 0 and "@" not in netloc and "*" not in netloc and not netloc.endswith(":")


def _hide_credentials(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _check_api_id(name: str) -> str:
    if not API_ID.fullmatch(name):
        raise ValueError("must be namespace:name-version")
    return name


def _check_alias(name: str) -> str:
    if name != NO_OPERATION and not API_ID.fullmatch(name):
        raise ValueError("must be namespace:name-version, or - to turn the operation off")
    return name


GatewayUrl = Annotated[str, AfterValidator(_check_gateway_url)]
"""Base of the gateway; /openapi is appended."""
AppKey = Annotated[str, Field(pattern=r"^[0-9A-Za-z]+$")]
ApiId = Annotated[str, AfterValidator(_check_api_id)]
Alias = Annotated[str, AfterValidator(_check_alias)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class AdapterSettings(BaseModel):
    """The gateway's URL, the app and its tokens, the dialect, and the limits."""

    gateway_url: GatewayUrl
    """Base of the gateway; /openapi is appended."""
    gateway_ca_file: Path | None = None
    """PEM file of authorities that the gateway's certificate may have, besides those of the system."""
    dialect: Dialect = Dialect.OPEN_PLATFORM
    dialects: Json[dict[str, Dialect]] | None = None
    """RPC name to dialect, for RPCs whose dialect is not `dialect`."""
    operation_aliases: Json[dict[ApiId, Alias]] | None = None
    """API id in the protos to the API id that is called instead; "-": the operation is turned off."""
    send_timestamp: bool = False
    """Whether calls send the time, by the gateway's clock, as the parameter `_aop_timestamp`."""
    json_dates: JsonDates = JsonDates.TEXT
    languages: Json[dict[str, str]] | None = None
    """Country to language code, for open-platform requests without a language. None: LOOKUPS of the codec."""

    def compile_service(self, service: ServiceDescriptor) -> dict[str, Operation]:
        """Compile the RPCs of a service with these settings. Raises SchemaError."""
        aliases = self.operation_aliases or {}
        return compile_service(
            service,
            self.dialect,
            dialect_overrides=self.dialects or {},
            dates=self.json_dates,
            lookups=self.lookups(),
            turned_off={api_id for api_id, alias in aliases.items() if alias == NO_OPERATION},
        )

    def lookups(self) -> LookupTables:
        """Return the tables for the option `lookup`."""
        return LOOKUPS if self.languages is None else {**LOOKUPS, "languages": self.languages}

    retry_syncs: bool = True
    """Whether the five order syncs are idempotent, and are retried when the outcome is unknown."""
    max_upstream_calls: int = Field(default=256, ge=1, le=MAX_CONNECTIONS)
    """Calls in flight at 1688; four times as many may wait."""
    app_rate: Rate | None = None
    """The highest rate of the app, in calls per second. None: the rate adapts to what 1688 accepts."""
    api_rates: Json[dict[ApiId, Rate]] | None = None
    """API id in the protos to its highest rate, in calls per second."""
    cache_seconds: Json[dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]]] | None = None
    """RPC name to how long its responses are cached, in addition to CACHE_TTL_S; 0 disables caching."""
    cache_stale_s: float = Field(
        3600, ge=0, allow_inf_nan=False, validation_alias="NATIONALSITE_CACHE_STALE_SECONDS"
    )
    """How long a response is still served after its TTL, while 1688 fails; at most as long as the TTL."""
    drift_sample_interval: int = Field(100, ge=0)
    """Of how many responses of an operation one is searched for unknown members; 0: none is."""
    redis_url: SecretStr | None = None
    """The Redis where replicas share rate limits and the access token. The URL may contain a password."""
    app_key: AppKey
    app_secret: SecretStr
    access_token: SecretStr | None = None
    """A static access token."""
    refresh_token: SecretStr | None = Field(default=None, validate_default=True)
    """The service fetches access tokens with it."""
    refresh_token_file: Path | None = Field(default=None, validation_alias="NATIONALSITE_REFRESH_TOKEN_FILE")
    """The file of the refresh token. A token that 1688 rotates is written to it."""

    def describe(self) -> Mapping[str, object]:
        """Return what is used, without credentials."""
        return {
            "gateway": self.gateway_url,
            "dialect": str(self.dialect),
            "dialects": {rpc: str(dialect) for rpc, dialect in (self.dialects or {}).items()},
            "token": "access token" if self.access_token else "refresh token",
            "redis": _hide_credentials(self.redis_url.get_secret_value()) if self.redis_url else "none",
        }

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            text = url.get_secret_value()
            try:
                check_redis_url(text)
                if " " in text or text.endswith("://"):
                    raise ValueError
            except ValueError:  # its text contains the URL
                raise ValueError(
                    "must be a URL of Redis, such as redis://host:6379/0,"
                    " or of Sentinel, such as redis+sentinel://host:26379,host:26379/name/0"
                ) from None
        return url

    @field_validator("refresh_token")
    @classmethod
    def _check_one_token(cls, refresh_token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        """Check a field, not the whole model: pydantic skips checks of the model if a field has an error."""
        if (info.data.get("access_token") is None) == (refresh_token is None):
            raise ValueError("this or NATIONALSITE_ACCESS_TOKEN is required, and not both")
        return refresh_token
