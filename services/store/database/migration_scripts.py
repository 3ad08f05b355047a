"""The migrations of this release, run by alembic.

alembic takes 0.05 s and 7 MiB. So schema_migrations imports this module only if the schema is not current.
"""

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_SCRIPTS = Path(__file__).parent / "migrations"
VERSIONS = (_SCRIPTS / "versions",)
"""The folders with migrations."""


def upgrade(connection: Connection) -> None:
    """Run the migrations that the schema does not have yet."""
    config = _build_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def build_scripts() -> ScriptDirectory:
    """Return the migrations of this release."""
    return ScriptDirectory.from_config(_build_config())


def _build_config() -> Config:
    config = Config()
    config.set_main_option("script_location", _escape(str(_SCRIPTS)))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", _escape(os.pathsep.join(map(str, VERSIONS))))
    return config


def _escape(value: str) -> str:
    return value.replace("%", "%%")
