// Exact conversion between google.type.Money and decimal text. A JavaScript number cannot hold every amount.
import { create } from "@bufbuild/protobuf";
import { type Money, MoneySchema } from "@nationalsite/protos/google/type/money";

const NANOS_PER_UNIT = 1_000_000_000n;

/**
 * Returns an amount in units of its currency, yuan for CNY, with at least two decimals: `"41.10"`, `"0.00"`,
 * `"1.005"`.
 */
export function moneyToText(money: Money): string {
  const nanos = money.units * NANOS_PER_UNIT + BigInt(money.nanos);
  const digits = `${nanos < 0n ? -nanos : nanos}`.padStart(10, "0");
  return `${nanos < 0n ? "-" : ""}${digits.slice(0, -9)}.${digits.slice(-9).replace(/0{1,7}$/, "")}`;
}

/**
 * Parses an amount in units of its currency, such as `"3.14"`.
 *
 * Throws a RangeError if it is not a decimal, has more than nine decimals, or exceeds an int64.
 */
export function parseMoney(amount: string, currencyCode = "CNY"): Money {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(amount) ?? [];
  const units = BigInt(`${sign}${whole || 0}`);
  if (!whole || BigInt.asIntN(64, units) !== units) {
    throw new RangeError(`invalid amount of money: ${amount}`);
  }
  const nanos = Number(`${sign}${fraction.padEnd(9, "0")}`);
  return create(MoneySchema, { currencyCode, units, nanos: nanos || 0 }); // `|| 0` turns -0 into 0
}
