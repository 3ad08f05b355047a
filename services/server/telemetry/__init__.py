"""Logging, tracing, audit ids and the HTTP routes for operators. Must not import the rest of the server."""
