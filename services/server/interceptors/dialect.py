"""The dialect: reports to the caller which dialect serves its request, and which fields this dialect drops.

This runs before the idempotency interceptor, and needs only the request. So a stored or cached response and
an error have the same report. A request that cannot be read has no report: CallMetadataInterceptor sets the
dialect of its method.
"""

from collections.abc import Iterable

from services.handler import DialectReporter
from services.server.call import CallContext, CallNext, MethodInfo

DIALECT_KEY = "nationalsite-dialect"
DROPPED_FIELDS_KEY = "nationalsite-dropped-fields"
MAX_DROPPED_FIELDS_BYTES = 512
"""Maximum length of the list of dropped fields: all trailers together have to fit into 8 KiB (status.py)."""
_CUT = "..."


class DialectInterceptor:
    """Adds the dialect and the dropped fields to the response metadata."""

    def __init__(self, report: DialectReporter) -> None:
        self._report = report

    @classmethod
    def for_method(cls, method: MethodInfo) -> "DialectInterceptor | None":
        """Return None if the method calls no operation of 1688."""
        report = method.endpoint.report_dialect
        return cls(report) if report else None

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Add the metadata, and pass the call on."""
        report = self._report(call.request)
        call.response_metadata[DIALECT_KEY] = report.dialect
        if dropped_fields := _join(report.dropped_fields):
            call.response_metadata[DROPPED_FIELDS_KEY] = dropped_fields
        return await call_next(call)


def _join(paths: Iterable[str]) -> str:
    """Join the paths by commas, each once. A list that is too long is cut after a comma; `...` follows."""
    text = ",".join(dict.fromkeys(paths))
    if len(text) <= MAX_DROPPED_FIELDS_BYTES:
        return text
    end = text.rindex(",", 0, MAX_DROPPED_FIELDS_BYTES - len(_CUT))
    return text[: end + 1] + _CUT
