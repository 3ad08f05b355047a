"""The migrations, for alembic. Must not import anything of the store but its schema."""
