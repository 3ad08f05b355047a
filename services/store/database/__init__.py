"""SQL: engines, schema, migrations, units of work. Must not import the rest of the store."""
