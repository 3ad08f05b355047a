"""The interface of the handler of an RPC. The server, the adapter and the services share it."""

from collections.abc import AsyncGenerator, Awaitable
from typing import Any, Protocol


class Handler(Protocol):
    """Handles the calls of one RPC.

    Where the RPC streams requests, `request` is an async iterator of them that raises InvalidRequest at an
    invalid one. Where it streams responses, the handler is an async generator of them: the server resumes it
    when the transport can take another response, and closes it in the task that ran it.
    """

    def __call__(self, request: Any, deadline: float, /) -> Awaitable[bytes] | AsyncGenerator[bytes, None]:
        """Return the serialized response, or a generator of them. Raises the errors of services/errors.py.

        `deadline` is in the loop's time; it is infinite for a stream whose caller set none.
        """
