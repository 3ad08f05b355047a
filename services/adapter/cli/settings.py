"""The settings of the adapter command line: environment variables of the services."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from services.adapter.settings import AdapterSettings, AppKey, GatewayUrl
from services.settings_loader import SETTINGS_CONFIG


class OperatorSettings(BaseSettings, AdapterSettings):
    """The settings that the services have too: the app with its token, and the limits."""

    model_config = SETTINGS_CONFIG


class AuthorizeSettings(BaseSettings):
    """The app without a token: `authorize` gets one."""

    model_config = SETTINGS_CONFIG

    gateway_url: GatewayUrl
    gateway_ca_file: Path | None = None
    """PEM file of authorities to trust besides those of the system."""
    app_key: AppKey
    app_secret: SecretStr
    refresh_token_file: Path | None = Field(default=None, validation_alias="NATIONALSITE_REFRESH_TOKEN_FILE")
    """Where to write the refresh token; the file need not exist."""
