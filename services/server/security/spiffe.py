"""SPIFFE ids, which identify callers, as the SPIFFE standard defines them: `spiffe://trust.domain/path`."""

import re

_MAX_LENGTH = 2048
_SPIFFE_ID = re.compile(r"spiffe://[a-z0-9._-]{1,255}(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+)*", re.ASCII)


def is_spiffe_id(text: str) -> bool:
    """Return whether a text is a SPIFFE id: without percent-encoding, empty segments, `.` and `..`."""
    return len(text) <= _MAX_LENGTH and _SPIFFE_ID.fullmatch(text) is not None
