"""Formats errors for the operator."""

from collections.abc import Iterable

from services.errors import NationalsiteError, RequestError, UpstreamError
from services.redaction import redact

MASK = "***"
"""Printed in place of a token."""


def format_error(error: NationalsiteError, secrets: Iterable[str]) -> str:
    """Return an error as one line, with 1688's own code, text and id, and without secrets."""
    if isinstance(error, RequestError):
        return "; ".join(
            f"{violation.field or 'request'}: {violation.description}" for violation in error.violations
        )
    if not isinstance(error, UpstreamError):
        return str(error)
    secrets = tuple(secrets)
    details = [
        detail for detail in (redact(error.code, secrets), redact(error.upstream_message, secrets)) if detail
    ]
    if error.upstream_request_id:
        details.append(f"request {redact(error.upstream_request_id, secrets)}")
    return f"{error} ({', '.join(details)})" if details else str(error)
