"""The rows of payments and refunds, which are the same in both dialects."""

from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import Envelope
from services.sandbox.http.operation import Handler, Operation, Shape

TRADE = "com.alibaba.trade"


def trade_operation(
    name: str,
    handler: Handler,
    envelope: Envelope,
    *,
    required: tuple[str, ...] = (),
    bad_argument: tuple[str, str] | None = None,
) -> Operation:
    """One row. `bad_argument` is code and text of what no documented code is about, where any are known."""
    shape = Shape(dialect=Dialect.EITHER, envelope=envelope, required=required, bad_argument=bad_argument)
    return Operation(namespace=TRADE, name=name, handler=handler, shapes=(shape,))
