"""Exact conversion between google.type.Money and Decimal."""

from decimal import ROUND_DOWN, Decimal, localcontext

from google.type import money_pb2

_NANOS_PER_UNIT = 10**9
_MAX_DIGITS = 19 + 9
"""Of an int64 and of nanos."""


def money_to_decimal(money: money_pb2.Money) -> Decimal:
    """Return an amount in units of its currency: yuan for CNY."""
    with localcontext(prec=_MAX_DIGITS):
        # Adding 0 turns an exponent, such as that of 1E+3, into digits.
        return (Decimal(money.units) + Decimal(money.nanos).scaleb(-9)).normalize() + 0


def decimal_to_money(amount: Decimal | int, currency_code: str = "CNY") -> money_pb2.Money:
    """Return an amount, in units of its currency, as Money.

    Raises ValueError if the amount is not finite, has more than nine decimals, or exceeds an int64.
    """
    with localcontext(prec=_MAX_DIGITS + 10):
        exact = Decimal(amount)
        if not exact.is_finite() or abs(exact) >= 2**63:
            raise ValueError(f"invalid amount of money: {amount}")
        units = exact.to_integral_value(ROUND_DOWN)
        nanos = (exact - units) * _NANOS_PER_UNIT
        if nanos != nanos.to_integral_value():
            raise ValueError(f"more than nine decimals: {amount}")
    return money_pb2.Money(currency_code=currency_code, units=int(units), nanos=int(nanos))
