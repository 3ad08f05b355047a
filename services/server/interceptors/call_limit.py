"""The limit of calls: they may wait for long, so a caller could make them until none is left for others."""

from services.errors import Overloaded
from services.server.call import CallContext, CallNext, MethodInfo
from services.server.counters import remove_one


class CallsInFlight:
    """The calls in flight of a server, by caller, without streams, which have a limit of their own."""

    def __init__(self, max_per_caller: int) -> None:
        self._max_per_caller = max_per_caller
        self._callers: dict[str, int] = {}
        """Only of callers that have calls."""

    def begin(self, caller: str) -> None:
        """Count a call. Raises Overloaded."""
        in_flight = self._callers.get(caller, 0)
        if in_flight >= self._max_per_caller:
            raise Overloaded(
                f"this caller has {self._max_per_caller} calls in flight, as many as it may have"
            )
        self._callers[caller] = in_flight + 1

    def end(self, caller: str) -> None:
        """End a call that was counted."""
        remove_one(self._callers, caller)


class CallLimitInterceptor:
    """Rejects a call if its caller has too many in flight, before its request is read.

    Without this, one caller's long polls could fill gRPC's limit of calls, which is that of all callers.
    """

    def __init__(self, calls: CallsInFlight) -> None:
        self._calls = calls

    @classmethod
    def for_method(cls, method: MethodInfo, *, calls: CallsInFlight) -> "CallLimitInterceptor | None":
        """Return None if the method streams."""
        return None if method.is_streaming else cls(calls)

    async def __call__(self, call: CallContext, call_next: CallNext) -> bytes:
        """Raise Overloaded."""
        caller = call.limited_caller
        self._calls.begin(caller)
        try:
            return await call_next(call)
        finally:
            self._calls.end(caller)
