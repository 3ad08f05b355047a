"""What the conversation with 1688 can be told. A service mixes this into its settings."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, Json, SecretStr, ValidationInfo, field_validator
from redis.asyncio import ConnectionPool

from services.adapter.codec import API_ID, Dialect, JsonDates
from services.adapter.gateway import MAX_CONNECTIONS


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and _is_sane(parts.netloc, parts.port)
        parts.netloc.encode("idna")
    except ValueError:
        fits = False
    if not fits or parts.query or parts.fragment:
        raise ValueError("must be the base URL of a gateway, such as https://gw.open.1688.com")
    if parts.path.rstrip("/").endswith("/openapi"):
        raise ValueError("must not end in /openapi, which is appended")
    return url


def _is_sane(place: str, port: int | None) -> bool:
    """Whether host and port hold no user, no blank and no port that cannot be."""
    return (
        port != 0
        and "@" not in place
        and not place.endswith(":")
        and place.isprintable()
        and " " not in place
    )


def _api_id(name: str) -> str:
    if not API_ID.fullmatch(name):
        raise ValueError("must be namespace:name-version")
    return name


GatewayUrl = Annotated[str, AfterValidator(_checked)]
"""Base of the gateway; /openapi is appended."""
AppKey = Annotated[str, Field(pattern=r"^[0-9A-Za-z]+$")]
ApiId = Annotated[str, AfterValidator(_api_id)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class AdapterSettings(BaseModel):
    """How 1688 is reached, who we are there, and how the protos are spoken."""

    gateway_url: GatewayUrl
    """Base of the gateway; /openapi is appended."""
    dialect: Dialect = Dialect.NATIONAL_SITE
    dialects: Json[dict[str, Dialect]] | None = None
    """RPC name to dialect, for RPCs that speak another one."""
    operation_names: Json[dict[ApiId, ApiId]] | None = None
    """Api id of the protos to the api id to call."""
    send_timestamp: bool = False
    """Whether calls carry `_aop_timestamp`, by the gateway's clock."""
    json_dates: JsonDates = JsonDates.TEXT
    retry_syncs: bool = True
    """Whether the five syncs of orders are upserts, which may be repeated after an unclear outcome."""
    max_upstream_calls: int = Field(default=256, ge=1, le=MAX_CONNECTIONS)
    """Calls at 1688 at once; four times as many may wait."""
    app_rate: Rate | None = None
    """Calls per second of the app at most; none is documented, so by default what 1688 refuses tells."""
    api_rates: Json[dict[ApiId, Rate]] | None = None
    """Api id of the protos to calls per second at most."""
    cache_seconds: Json[dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]]] | None = None
    """RPC name to how long its answers are kept, beside CACHE_S; 0 keeps none."""
    cache_stale_s: float = Field(3600, ge=0, validation_alias="NATIONALSITE_CACHE_STALE_SECONDS")
    """How long an expired answer may stand in while 1688 fails, though no longer than it was good."""
    redis_url: SecretStr | None = None
    """Where replicas share limits and token; it may hold a password."""
    app_key: AppKey
    app_secret: SecretStr
    access_token: SecretStr | None = None
    """A fixed access token."""
    refresh_token: SecretStr | None = Field(default=None, validate_default=True)
    """Access tokens are fetched and renewed with it."""
    refresh_token_file: Path | None = Field(default=None, validation_alias="NATIONALSITE_REFRESH_TOKEN_FILE")
    """Where the refresh token came from; one that 1688 rotates is written back there."""

    @field_validator("redis_url")
    @classmethod
    def _of_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            try:
                ConnectionPool.from_url(url.get_secret_value())  # opens nothing
            except ValueError:  # whose words hold the URL
                raise ValueError("must be a URL of Redis, such as redis://host:6379/0") from None
        return url

    @field_validator("refresh_token")
    @classmethod
    def _one_token(cls, refresh_token: SecretStr | None, found: ValidationInfo) -> SecretStr | None:
        """Told beside the problems of other fields, which a check of the whole would wait for."""
        if (found.data.get("access_token") is None) == (refresh_token is None):
            raise ValueError("this or NATIONALSITE_ACCESS_TOKEN is required, and not both")
        return refresh_token
