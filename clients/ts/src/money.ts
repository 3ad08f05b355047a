// google.type.Money as decimal text and back, exactly: a number cannot hold every amount.
import { create } from "@bufbuild/protobuf";
import { type Money, MoneySchema } from "@nationalsite/protos/google/type/money";

const NANOS = 1_000_000_000n;

/** Returns the amount in units of its currency, yuan for CNY, with two decimals or as many as it needs. */
export function decimalOf(money: Money): string {
  const nanos = money.units * NANOS + BigInt(money.nanos);
  const digits = `${nanos < 0n ? -nanos : nanos}`.padStart(10, "0");
  return `${nanos < 0n ? "-" : ""}${digits.slice(0, -9)}.${digits.slice(-9).replace(/0{1,7}$/, "")}`;
}

/**
 * Returns an amount in units of its currency, such as `"3.14"`, as Money.
 *
 * Throws a RangeError where it is not a decimal, has more than nine decimals, or is beyond an int64.
 */
export function moneyOf(amount: string, currencyCode = "CNY"): Money {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(amount) ?? [];
  const units = BigInt(`${sign}${whole || 0}`);
  if (!whole || BigInt.asIntN(64, units) !== units) {
    throw new RangeError(`not an amount of money: ${amount}`);
  }
  const nanos = Number(`${sign}${fraction.padEnd(9, "0")}`);
  return create(MoneySchema, { currencyCode, units, nanos: nanos || 0 }); // without the zero's sign
}
