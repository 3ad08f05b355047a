"""The setting of a store. A service's settings class inherits it and sets the default."""

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings
from sqlalchemy.engine import URL

from services.errors import StartupError
from services.settings_loader import SETTINGS_CONFIG
from services.store.database.engine import parse_url


class StoreSettings(BaseSettings):
    """The store of a service."""

    model_config = SETTINGS_CONFIG

    database_url: SecretStr
    """`sqlite+aiosqlite:///path` or `postgresql+psycopg://...`, which may contain a password."""

    def describe_store(self) -> str:
        """Return which database is used, without user, password and parameters."""
        url = parse_url(self.database_url.get_secret_value())
        query = {"host": hosts} if (hosts := url.normalized_query.get("host")) else {}
        shown = URL.create(
            url.get_backend_name(), host=url.host, port=url.port, database=url.database, query=query
        )
        return shown.render_as_string().replace("%2F", "/")

    @field_validator("database_url")
    @classmethod
    def _check_url(cls, url: SecretStr) -> SecretStr:
        try:
            parse_url(url.get_secret_value())
        except StartupError as error:
            raise ValueError("; ".join(error.lines)) from None
        return url
