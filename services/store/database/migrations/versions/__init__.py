"""One module per revision, written by hand. Must not import the schema, which changes later."""
