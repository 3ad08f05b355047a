"""Exact conversion between google.type.Money, Decimal and text."""

from decimal import ROUND_DOWN, Decimal, localcontext

from google.type import money_pb2

_NANOS_PER_UNIT = 10**9
_MAX_DIGITS = 19 + 9
"""Of an int64 and of nanos."""
_MIN_DECIMALS = 2


def money_to_decimal(money: money_pb2.Money) -> Decimal:
    """Return an amount in units of its currency: yuan for CNY."""
    with localcontext(prec=_MAX_DIGITS):
        # Adding 0 turns an exponent, such as that of 1E+3, into digits.
        return (Decimal(money.units) + Decimal(money.nanos).scaleb(-9)).normalize() + 0


def money_to_text(money: money_pb2.Money) -> str:
    """Return an amount as exact text, with two decimals or as many as it needs: 41.10, 0.00, 1.005."""
    amount = money_to_decimal(money)
    decimals = max(_MIN_DECIMALS, -int(amount.as_tuple().exponent))
    return f"{amount:.{decimals}f}"


def decimal_to_money(amount: Decimal | int, currency_code: str = "CNY") -> money_pb2.Money:
    """Return an amount, in units of its currency, as Money.

    Raises ValueError if the amount is not finite, has more than nine decimals, or exceeds an int64.
    """
    with localcontext(prec=_MAX_DIGITS + 10):
        exact = Decimal(amount)
        units = exact.to_integral_value(ROUND_DOWN)
        if not (units.is_finite() and -(2**63) <= units < 2**63):
            raise ValueError(f"invalid amount of money: {amount}")
        nanos = (exact - units) * _NANOS_PER_UNIT
        if nanos != nanos.to_integral_value():
            raise ValueError(f"more than nine decimals: {amount}")
    return money_pb2.Money(currency_code=currency_code, units=int(units), nanos=int(nanos))
