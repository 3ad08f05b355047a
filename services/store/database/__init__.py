"""SQL: engines, schema, migrations, errors. Must not import the rest of the store."""
