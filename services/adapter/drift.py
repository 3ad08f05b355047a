"""Makes drift of 1688 visible: members in its responses that no field of the protos reads.

The fast decoder skips such members, and finding them costs more than decoding. So only a sample of the
responses is searched: of each operation the first, and then one in every `sample_interval`.
"""

from collections import defaultdict

import structlog
from prometheus_client import Counter

from services.adapter.codec import Operation, has_more_values, parse
from services.errors import UpstreamError

MAX_SEARCHED_VALUES = 10_000
"""Of a response: the search blocks the event loop."""
MAX_LOGGED_PATHS = 100
"""Maximum number of unknown members of an operation whose paths are logged, until the process ends."""

_compared_responses = Counter(
    "nationalsite_responses_compared",
    "Responses that were searched for unknown members: a sample of all responses.",
    ("operation", "dialect"),
)
_unknown_members = Counter(
    "nationalsite_members_unknown",
    "Members that no field reads, each once per response. Only in nationalsite_responses_compared.",
    ("operation", "dialect"),
)
_log = structlog.get_logger()


class DriftMonitor:
    """Searches a sample of the responses for unknown members; counts them, and logs their paths once."""

    def __init__(self, sample_interval: int) -> None:
        """`sample_interval`: one in so many responses of an operation is searched; 1: each, 0: none."""
        self._interval = sample_interval
        self._observed: defaultdict[str, int] = defaultdict(int)
        self._logged: defaultdict[str, set[str]] = defaultdict(set)

    def observe(self, operation: Operation, text: bytes) -> None:
        """Count a successful response, and search it if it is due. `text` is its body.

        If the response that is due is too large, the next one is due.
        """
        if not self._interval:
            return
        count = self._observed[operation.rpc]
        if count % self._interval == 0:
            if has_more_values(text, MAX_SEARCHED_VALUES):
                return
            self._search(operation, text)
        self._observed[operation.rpc] = count + 1

    def _search(self, operation: Operation, text: bytes) -> None:
        try:
            unknown = operation.compare_members(parse(text)).unknown
        except (UpstreamError, ValueError, RecursionError):  # the response is decoded: the call has succeeded
            return
        labels = (operation.api_id, str(operation.dialect))
        _compared_responses.labels(*labels).inc()
        _unknown_members.labels(*labels).inc(len(unknown))
        self._log_new(operation, unknown)

    def _log_new(self, operation: Operation, unknown: tuple[str, ...]) -> None:
        logged = self._logged[operation.rpc]
        new = [path for path in unknown if path not in logged][: MAX_LOGGED_PATHS - len(logged)]
        if not new:
            return
        logged.update(new)
        _log.debug(
            "unknown_members",
            rpc=operation.rpc,
            operation=operation.api_id,
            dialect=operation.dialect,
            paths=new,
        )
