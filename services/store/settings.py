"""The setting of a store. A service's settings class inherits it and sets the default."""

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings

from services.errors import StartupError
from services.settings_loader import SETTINGS_CONFIG
from services.store.database.engine import parse_url


class StoreSettings(BaseSettings):
    """The store of a service."""

    model_config = SETTINGS_CONFIG

    database_url: SecretStr
    """`sqlite+aiosqlite:///path` or `postgresql+psycopg://...`, which may contain a password."""

    @field_validator("database_url")
    @classmethod
    def _check_url(cls, url: SecretStr) -> SecretStr:
        try:
            parse_url(url.get_secret_value())
        except StartupError as error:
            raise ValueError("; ".join(error.lines)) from None
        return url
