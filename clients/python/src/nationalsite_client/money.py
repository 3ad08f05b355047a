"""google.type.Money as a Decimal and back, exactly."""

from decimal import ROUND_DOWN, Decimal, localcontext

from google.type import money_pb2  # type: ignore[import-untyped] # no py.typed

_NANOS = 10**9
_DIGITS = 19 + 9  # of an int64, and of nanos


def decimal_of(money: money_pb2.Money) -> Decimal:
    """Return the amount, in units of its currency: yuan for CNY."""
    with localcontext(prec=_DIGITS):
        return (Decimal(money.units) + Decimal(money.nanos).scaleb(-9)).normalize() + 0


def money_of(amount: Decimal | int, currency_code: str = "CNY") -> money_pb2.Money:
    """Return an amount in units of its currency as Money.

    Raises ValueError where it is not finite, has more than nine decimals, or is beyond an int64.
    """
    with localcontext(prec=_DIGITS + 10):
        exact = Decimal(amount)
        if not exact.is_finite() or abs(exact) >= 2**63:
            raise ValueError(f"not an amount of money: {amount}")
        units = exact.to_integral_value(ROUND_DOWN)
        nanos = (exact - units) * _NANOS
        if nanos != nanos.to_integral_value():
            raise ValueError(f"more than nine decimals: {amount}")
    return money_pb2.Money(currency_code=currency_code, units=int(units), nanos=int(nanos))
