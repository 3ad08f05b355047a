import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMoney, parseMoney } from "@nationalsite/client";

const AMOUNTS: [string, bigint, number][] = [
  ["0.00", 0n, 0],
  ["29.00", 29n, 0],
  ["3.14", 3n, 140_000_000],
  ["-3.14", -3n, -140_000_000],
  ["-0.50", 0n, -500_000_000],
  ["0.000000001", 0n, 1],
  ["1.205", 1n, 205_000_000],
  ["9223372036854775807.999999999", 2n ** 63n - 1n, 999_999_999],
];

test("conversion is exact in both directions", () => {
  for (const [amount, units, nanos] of AMOUNTS) {
    const { currencyCode, ...money } = parseMoney(amount);
    assert.deepEqual([currencyCode, money.units, money.nanos], ["CNY", units, nanos]);
    assert.equal(formatMoney(parseMoney(amount)), amount);
  }
  assert.equal(formatMoney(parseMoney("7", "JPY")), "7.00");
  assert.equal(parseMoney("7", "JPY").currencyCode, "JPY");
});

test("invalid amounts are rejected", () => {
  for (const amount of ["", "-", ".5", "1.", "1e3", "1,000", "0.0000000001", "9223372036854775808", "NaN"]) {
    assert.throws(() => parseMoney(amount), RangeError, amount);
  }
});
