"""Expands the schema by a column that this release does not know. What works with this one works with it."""

from alembic import op
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Text

from services.store.database.migrations import versions

_THIS_RELEASE = ScriptDirectory(versions.__path__[0], version_locations=list(versions.__path__))

down_revision = _THIS_RELEASE.get_current_head()
revision = f"9998_{down_revision[-4:]}"


def upgrade() -> None:
    """Add the column, without a value in the rows of this release."""
    op.add_column("messages", Column("received_by", Text))
