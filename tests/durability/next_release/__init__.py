"""A release after this one, whose schema has one more migration: it expands the schema by a column."""

RELEASE = "next release"
"""The value of the new column in rows that this release writes."""
