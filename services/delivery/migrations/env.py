"""What alembic runs; the connection comes from `services.delivery.migrating`."""

from alembic import context

from services.delivery.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
