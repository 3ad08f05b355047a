"""How the command tells of failures."""

from collections.abc import Iterable

from services.adapter.redaction import redact
from services.errors import NationalsiteError, RequestError, UpstreamError

MASK = "***"
"""Stands for a token."""


def format_error(error: NationalsiteError, secrets: Iterable[str]) -> str:
    """Return a failure as one line, with 1688's own words and id, and without secrets."""
    if isinstance(error, RequestError):
        return "; ".join(f"{each.field or 'request'}: {each.description}" for each in error.violations)
    if not isinstance(error, UpstreamError):
        return str(error)
    secrets = tuple(secrets)
    words = (redact(each, secrets) for each in (error.code, error.upstream_message))
    facts = [each for each in words if each]
    if error.request_id:
        facts.append(f"request {redact(error.request_id, secrets)}")
    return f"{error} ({', '.join(facts)})" if facts else str(error)
