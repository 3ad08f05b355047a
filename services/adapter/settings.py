"""What the conversation with 1688 can be told. A service mixes this into its settings."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, Json, SecretStr, ValidationInfo, field_validator

from services.adapter.codec import API_ID, Dialect, JsonDates


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


ApiId = Annotated[str, AfterValidator(_api_id)]


class AdapterSettings(BaseModel):
    """How 1688 is reached, who we are there, and how the protos are spoken."""

    gateway_url: Annotated[str, AfterValidator(_checked)]
    """Base of the gateway; /openapi is appended."""
    dialect: Dialect = Dialect.NATIONAL_SITE
    dialects: Json[dict[str, Dialect]] | None = None
    """RPC name to dialect, for RPCs that speak another one."""
    operation_names: Json[dict[ApiId, ApiId]] | None = None
    """Api id of the protos to the api id to call."""
    send_timestamp: bool = False
    """Whether calls carry `_aop_timestamp`, by the gateway's clock."""
    json_dates: JsonDates = JsonDates.TEXT
    app_key: str = Field(pattern=r"^[0-9A-Za-z]+$")
    app_secret: SecretStr
    access_token: SecretStr | None = None
    """A fixed access token."""
    refresh_token: SecretStr | None = Field(default=None, validate_default=True)
    """Access tokens are fetched and renewed with it."""
    refresh_token_file: Path | None = Field(default=None, validation_alias="NATIONALSITE_REFRESH_TOKEN_FILE")
    """Where the refresh token came from; one that 1688 rotates is written back there."""

    @field_validator("refresh_token")
    @classmethod
    def _one_token(cls, refresh_token: SecretStr | None, found: ValidationInfo) -> SecretStr | None:
        """Told beside the problems of other fields, which a check of the whole would wait for."""
        if (found.data.get("access_token") is None) == (refresh_token is None):
            raise ValueError("this or NATIONALSITE_ACCESS_TOKEN is required, and not both")
        return refresh_token
