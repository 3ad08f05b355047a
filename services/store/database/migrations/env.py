"""Run by alembic. The connection comes from `services.store.database.schema_migrations`."""

from alembic import context

from services.store.database.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
