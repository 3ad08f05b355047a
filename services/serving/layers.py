"""The layers that every call passes, in this order."""

from collections.abc import Awaitable

from services.serving.access_log import access_log
from services.serving.deadline import deadline
from services.serving.decoding import decoding
from services.serving.failures import failures
from services.serving.metadata import metadata
from services.serving.metrics import metrics
from services.serving.rpc import Call, Layer, Rpc, Step
from services.serving.validation import validation

LAYERS: tuple[Layer, ...] = (
    access_log,
    metrics,
    failures,
    metadata,
    deadline,
    decoding,
    validation,
)
"""Outermost first."""


def way(rpc: Rpc) -> Step:
    """All layers around the handler of an RPC. Raises CannotStart where one cannot be made."""
    handler = rpc.binding.handler

    def handle(call: Call) -> Awaitable[bytes]:
        return handler(call.message, call.deadline)

    step: Step = handle
    for layer in reversed(LAYERS):
        step = layer(rpc, step)
    return step
