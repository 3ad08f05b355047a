"""Why PostgreSQL could not be connected to, in words for operators.

libpq gives no SQLSTATE for a connection that was not made, only a text. The server writes its part of it in
its own language, if `lc_messages` says so. Then the cause is not known, and counts as no connection.
"""

import re

DATABASE_URL = "NATIONALSITE_DATABASE_URL"

_CAUSES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), cause)
    for pattern, cause in (
        (r"session is read-only|in hot standby mode", "it is read only"),  # it is not the primary
        (
            r"unsupported startup parameter",
            "a connection pooler in front of it rejects a parameter of the URL",
        ),
        (
            r"statement pooling mode",
            "the pooler in front of it runs in the mode statement; transaction or session is needed",
        ),
        (
            r"password authentication failed|no password supplied",
            "its server rejects the user or the password",
        ),
        (r"role .* does not exist|authentication failed for user", "its server does not accept the user"),
        (r"database .* does not exist", "the database does not exist"),
        (
            r"no (pg_hba\.conf|encryption).* entry|pg_hba\.conf rejects",
            "its server accepts no such connection: pg_hba.conf has no entry for it",
        ),
        (r"permission denied for database", "its user lacks the right to connect to the database"),
        (r"not (currently|permitted to) .*(connect|log in)", "its user or database accepts no connections"),
        (r"too many (connections|clients)|remaining connection slots", "it has no connection left"),
        (r"database system is|cannot accept connections", "it is shutting down or starting"),
        (
            r"failed to resolve host|could not translate host name|Name or service not known",
            "the name of its host cannot be resolved",
        ),
        (r"root certificate file|certificate verify failed", "the certificate of its server is not trusted"),
        (r"server certificate for .* does not match", "the certificate of its server is for another host"),
        (r"does not support SSL", "its server does not support TLS"),
        (r"SSL|TLS", "the TLS handshake with its server failed"),
        (r"Connection refused", "nothing listens on its host and port"),
        (r"timeout expired|timed out", "its host does not respond"),
        (r"No route to host|Network is unreachable", "its host cannot be reached"),
        (r"No such file or directory", "its Unix socket does not exist"),
    )
)
"""Words of libpq, psycopg and the server -> the cause. The first row that matches is used."""


def find_connect_cause(text: str) -> str:
    """Return the cause of a text of libpq; empty if it is not known. Unlike the text it contains no names."""
    return next((cause for pattern, cause in _CAUSES if pattern.search(text)), "")
