"""Conversions accept every form of a value that 1688 writes, reject others, and are exact."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.adapter.codec import conversions
from services.adapter.codec.conversions import ConversionError

MAX = 2**63 - 1
SECOND = 1713571200  # 2024-04-20 08:00:00 in Beijing

ACCEPTED: list[tuple[Callable[[Any], object], object, object]] = [
    # parse function, 1688's value, ours
    (conversions.parse_text, None, None),
    (conversions.parse_text, "", ""),
    (conversions.parse_text, " 饼干 ", " 饼干 "),
    (conversions.parse_text, 12, "12"),
    (conversions.parse_text, True, "true"),
    (conversions.parse_text, False, "false"),
    (conversions.parse_text, Decimal("5.0"), "5.0"),
    (conversions.parse_text, Decimal("1E+3"), "1000"),
    (conversions.parse_text, Decimal("1E-7"), "0.0000001"),
    (conversions.parse_bool, None, None),
    (conversions.parse_bool, " ", None),
    (conversions.parse_bool, True, True),
    (conversions.parse_bool, 0, False),
    (conversions.parse_bool, Decimal("1.0"), True),
    (conversions.parse_bool, " TRUE ", True),
    (conversions.parse_bool, "False", False),
    (conversions.parse_bool, "1", True),
    (conversions.parse_bool, "0", False),
    (conversions.parse_bool, "no", False),
    (conversions.parse_integer, None, None),
    (conversions.parse_integer, "", None),
    (conversions.parse_integer, -3, -3),
    (conversions.parse_integer, " 12 ", 12),
    (conversions.parse_integer, "+12", 12),
    (conversions.parse_integer, "12.00", 12),
    (conversions.parse_integer, Decimal("1E+2"), 100),
    (conversions.parse_integer, "9223372036854775807", MAX),
    (conversions.parse_integer, "-9223372036854775808", -MAX - 1),
    (conversions.parse_decimal, "0.35", Decimal("0.35")),
    (conversions.parse_decimal, 7, Decimal(7)),
    (conversions.parse_decimal, Decimal("-0.5"), Decimal("-0.5")),
    (conversions.parse_decimal, "1e40", Decimal("1e40")),
    (conversions.parse_money, "10.00", (10, 0)),
    (conversions.parse_money, " 9.80 ", (9, 800_000_000)),
    (conversions.parse_money, 10, (10, 0)),
    (conversions.parse_money, Decimal("0.1"), (0, 100_000_000)),
    (conversions.parse_money, "0.000000001", (0, 1)),
    (conversions.parse_money, "1.0000000000000000", (1, 0)),
    (conversions.parse_money, "-1.5", (-1, -500_000_000)),
    (conversions.parse_money, "-0.5", (0, -500_000_000)),
    (conversions.parse_money, "-0", (0, 0)),
    (conversions.parse_money, "", None),
    (conversions.parse_money, "9223372036854775807.999999999", (MAX, 999_999_999)),
    (conversions.parse_money, Decimal("1E+1"), (10, 0)),
    (conversions.parse_timestamp, "2024-04-20 08:00:00", (SECOND, 0)),
    (conversions.parse_timestamp, "2024-04-20T08:00:00", (SECOND, 0)),
    (conversions.parse_timestamp, "2024-04-20 08:00:00.25", (SECOND, 250_000_000)),
    (conversions.parse_timestamp, "2024-04-20T00:00:00Z", (SECOND, 0)),
    (conversions.parse_timestamp, "2024-04-20T09:00:00+09:00", (SECOND, 0)),
    (conversions.parse_timestamp, "2024-04-19T19:30:00.000000001-0430", (SECOND, 1)),
    # Blanks around the parts, blanks for leading zeros, and no seconds.
    *(
        (conversions.parse_timestamp, text, (SECOND, 0))
        for text in (
            "2024-04-20 08: 00: 00",
            "2024 - 04 - 20  08 : 00 : 00",
            "2024- 4-20  8: 0: 0",
            "2024-04-20\u300008:00:00",
            "2024-04-20\n08:00\t",
            "2024-04-20 08:00",
            "2024-04-20T08:00",
            "2024-04-20T00:00Z",
            "2024-04-20 09: 00 + 09: 00",
            "2024-04-19T19:30 -0430",
            "2024-04-20 00:00:00 . 000 Z",
            "20240420 080000",
            "20240420 080000 000 +0800",
        )
    ),
    (conversions.parse_timestamp, "20240420080000", (SECOND, 0)),
    (conversions.parse_timestamp, 20240420080000, (SECOND, 0)),
    (conversions.parse_timestamp, "20240420080000123", (SECOND, 123_000_000)),
    (conversions.parse_timestamp, "20240420080000123+0800", (SECOND, 123_000_000)),
    (conversions.parse_timestamp, "20240420000000+0000", (SECOND, 0)),
    (conversions.parse_timestamp, SECOND, (SECOND, 0)),
    (conversions.parse_timestamp, SECOND * 1000 + 7, (SECOND, 7_000_000)),
    (conversions.parse_timestamp, f" {SECOND}000 ", (SECOND, 0)),
    (conversions.parse_timestamp, Decimal(f"{SECOND}000.0"), (SECOND, 0)),
    (conversions.parse_timestamp, "1.7135712E12", (SECOND, 0)),
    (conversions.parse_timestamp, " ", None),
    (conversions.parse_timestamp, "0001-01-01 08:00:00", (-62_135_596_800, 0)),
    (conversions.parse_timestamp, "9999-12-31T23:59:59.999999999Z", (253_402_300_799, 999_999_999)),
]
REJECTED: list[tuple[Callable[[Any], object], object]] = [
    *(
        (conversions.parse_text, value)
        for value in ({}, [], ["a"], Decimal("1E+999999"), Decimal("0E-999999"))
    ),
    *((conversions.parse_bool, value) for value in (2, -1, Decimal("0.5"), "perhaps", "是", [], {})),
    *(
        (conversions.parse_integer, value)
        for value in (True, "1.5", Decimal("1.5"), "many", "0x10", "1_000", [])
    ),
    *(
        (conversions.parse_integer, value)
        for value in ("١٢", "１２", "1" * 41, "1e999999", "NaN", "Infinity", "sNaN")
    ),
    *((conversions.parse_decimal, value) for value in (False, "1,5", "99.12%", "¥1", {}, 10**60, "0e999999")),
    *(
        (conversions.parse_decimal, Decimal(value))
        for value in ("1e41", "1e-41", "0e-999999999", "-1e999999")
    ),
    *(
        (conversions.parse_money, value)
        for value in ("¥10", "9.80-12.00", "1,000.00", "ten", "1e-10", "1e30")
    ),
    (conversions.parse_money, "0.0000000001"),
    (conversions.parse_money, "1.000000000000000000000000000000000001"),
    (conversions.parse_money, Decimal("1." + "0" * 60 + "1")),
    (conversions.parse_money, "9223372036854775808"),
    (conversions.parse_money, "-9223372036854775808"),
    # Ambiguous digits: the field stays unset instead of being a day of 1970.
    *(
        (conversions.parse_timestamp, value)
        for value in (0, 20240420, "20240420", "202404200800", 10**9 - 1, 10**13)
    ),
    *((conversions.parse_timestamp, value) for value in (-SECOND, Decimal("1713571200.5"), 10**40, "soon")),
    *(
        (conversions.parse_timestamp, f"2024-{rest}")
        for rest in ("13-01 00:00:00", "02-30 00:00:00", "04-20 24:00:00")
    ),
    *(
        (conversions.parse_timestamp, f"2024-04-20 08:00:{rest}")
        for rest in ("60", "00+9900", "00.1234567890", "0")
    ),
    *(
        (conversions.parse_timestamp, text)
        for text in (
            "2024-04-20",
            "2024-04-20 08",
            "2024-04-20 8:00",
            "2024-04-2008:00:00",
            "2024-04-20 0 8:00:00",
            "2024-04-20 08:00.5",
            "2 024-04-20 08:00:00",
        )
    ),
    (conversions.parse_timestamp, "20240230080000"),
    (conversions.parse_timestamp, "0001-01-01 00:00:00"),
    (conversions.parse_timestamp, "9999-12-31 23:59:59-0800"),
    (conversions.parse_timestamp, "２０２４-04-20 08:00:00"),
]


@pytest.mark.parametrize(("parse", "value", "expected"), ACCEPTED)
def test_accepted(parse: Callable[[Any], object], value: object, expected: object) -> None:
    parsed = parse(value)
    assert (parsed, type(parsed)) == (expected, type(expected))


@pytest.mark.parametrize(("parse", "value"), REJECTED)
def test_rejected(parse: Callable[[Any], object], value: object) -> None:
    """The text of the error does not contain the value."""
    with pytest.raises(ConversionError) as error:
        parse(value)
    assert str(value) not in str(error.value)


@given(st.integers(-MAX, MAX), st.integers(0, 10**9 - 1))
def test_parse_money_is_exact(units: int, nanos: int) -> None:
    text = f"{units}.{nanos:09}"
    sign = -1 if units < 0 else 1
    assert conversions.parse_money(text) == (units, sign * nanos)
    assert conversions.parse_money(Decimal(text)) == (units, sign * nanos)


@given(st.integers(0, MAX), st.integers(0, 10**9 - 1))
def test_format_money_is_exact(units: int, nanos: int) -> None:
    assert conversions.parse_money(conversions.format_money(units, nanos)) == (units, nanos)


@pytest.mark.parametrize(
    ("units", "nanos", "text"),
    [
        (0, 0, "0"),
        (10, 0, "10"),
        (100, 0, "100"),
        (35, 900_000_000, "35.9"),
        (0, 1, "0.000000001"),
        (MAX, 999_999_999, f"{MAX}.999999999"),
    ],
)
def test_format_money(units: int, nanos: int, text: str) -> None:
    assert conversions.format_money(units, nanos) == text


@pytest.mark.parametrize(
    ("units", "nanos", "fen"), [(0, 0, 0), (0, 10_000_000, 1), (35, 900_000_000, 3590), (10**16, 0, 10**18)]
)
def test_to_fen(units: int, nanos: int, fen: int) -> None:
    assert conversions.to_fen(units, nanos) == fen


@pytest.mark.parametrize(("units", "nanos"), [(0, 1), (1, 9_999_999), (10**17, 0), (MAX, 0)])
def test_to_fen_rejects_fractions_and_large_amounts(units: int, nanos: int) -> None:
    with pytest.raises(ConversionError):
        conversions.to_fen(units, nanos)


@pytest.mark.parametrize(
    ("currency", "units", "nanos"),
    [("USD", 1, 0), ("cny", 1, 0), ("CNY", -1, 0), ("", 0, -1), ("", 0, 10**9), ("CNY", -1, -1)],
)
def test_check_money(currency: str, units: int, nanos: int) -> None:
    with pytest.raises(ConversionError):
        conversions.check_money(currency, units, nanos)


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [(0, -1), (0, 10**9), (253_402_300_800, 0), (-62_135_625_601, 0), (2**63 - 1, 0), (-(2**63), 0)],
)
def test_to_beijing_time_rejects_invalid_timestamps(seconds: int, nanos: int) -> None:
    with pytest.raises(ConversionError):
        conversions.to_beijing_time(seconds, nanos)
