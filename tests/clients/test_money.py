"""Amounts in the Python client library. money_texts.json has the cases of all client libraries."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from google.type.money_pb2 import Money
from nationalsite_client import decimal_to_money, money_to_decimal, money_to_text

CASES = json.loads((Path(__file__).parent / "money_texts.json").read_text())


@pytest.mark.parametrize("case", CASES["amounts"], ids=lambda case: case["text"])
def test_conversion_is_exact(case: dict[str, Any]) -> None:
    money = Money(currency_code="CNY", units=int(case["units"]), nanos=case["nanos"])
    assert money_to_text(money) == case["text"]
    assert money_to_decimal(money) == Decimal(case["text"])
    for text in (case["text"], *case["other_texts"]):
        assert decimal_to_money(Decimal(text)) == money


@pytest.mark.parametrize("text", [*CASES["invalid_texts"], "Infinity"])
def test_invalid_amount_is_rejected(text: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        decimal_to_money(Decimal(text))


def test_decimal_has_no_exponent() -> None:
    assert str(money_to_decimal(Money(units=1000, nanos=500_000_000))) == "1000.5"
    assert str(money_to_decimal(Money(units=1000))) == "1000"
    assert decimal_to_money(Decimal("1E+3")) == Money(currency_code="CNY", units=1000)
