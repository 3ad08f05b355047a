"""The caller of the current call, for code in the call's task and in the tasks that this task starts.

The server sets it here, so that the adapter and the store can read it without importing the server.
"""

from collections.abc import Hashable
from contextvars import ContextVar

import msgspec


class Caller(msgspec.Struct, frozen=True):
    """Who made a call."""

    identity: str = ""
    """A SPIFFE id; empty if it is not known."""
    is_operator: bool = False
    """Whether the policy allows this call to read and change what belongs to other callers."""


ANONYMOUS = Caller()
"""A caller without an identity."""

_current: ContextVar[Caller] = ContextVar("caller", default=ANONYMOUS)
_queue_owner: ContextVar[Hashable] = ContextVar("queue_owner", default=None)


def current_caller() -> Caller:
    """Return the caller of the current call; ANONYMOUS outside a call."""
    return _current.get()


def set_caller(caller: Caller) -> None:
    """Set the caller of the current call. Its identity becomes the owner of the call in fair queues."""
    _current.set(caller)
    _queue_owner.set(caller.identity)


def current_queue_owner() -> Hashable:
    """Return the owner of the current work in fair queues (services/fair_queue.py).

    A call's owner is the identity of its caller; all callers without an identity are one owner. None is the
    owner of the service's own work, such as retention.
    """
    return _queue_owner.get()


def set_queue_owner(owner: Hashable) -> None:
    """Set the owner of the current work in fair queues, for work that takes no turns of a caller."""
    _queue_owner.set(owner)
