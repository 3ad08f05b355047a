"""Where a service's store is. A service mixes this into its settings, and says the default."""

from pydantic import BaseModel, SecretStr, field_validator

from services.errors import StartupError
from services.store.database.schema_migrations import parse_url


class StoreSettings(BaseModel):
    """The store of a service."""

    database_url: SecretStr
    """`sqlite+aiosqlite:///path` or `postgresql+psycopg://...`, which may hold a password."""

    @field_validator("database_url")
    @classmethod
    def _is_one(cls, url: SecretStr) -> SecretStr:
        try:
            parse_url(url.get_secret_value())
        except StartupError as problem:
            raise ValueError("; ".join(problem.lines)) from None
        return url
