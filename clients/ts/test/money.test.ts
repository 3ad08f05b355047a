// tests/clients has the texts, which all client libraries share.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { MoneySchema } from "@nationalsite/protos/google/type/money";
import { moneyToText, parseMoney } from "@nationalsite/client";

interface Texts {
  amounts: { units: string; nanos: number; text: string; other_texts: string[] }[];
  invalid_texts: string[];
}

const FILE = new URL("../../../../tests/clients/money_texts.json", import.meta.url);
const { amounts, invalid_texts: invalidTexts }: Texts = JSON.parse(readFileSync(FILE, "utf8"));

test("conversion is exact in both directions", () => {
  assert.ok(amounts.length);
  for (const { units, nanos, text, other_texts: otherTexts } of amounts) {
    const money = create(MoneySchema, { currencyCode: "CNY", units: BigInt(units), nanos });
    assert.equal(moneyToText(money), text);
    for (const each of [text, ...otherTexts]) assert.deepEqual(parseMoney(each), money, each);
  }
  assert.equal(parseMoney("7", "JPY").currencyCode, "JPY");
});

test("invalid amounts are rejected", () => {
  assert.ok(invalidTexts.length);
  for (const text of invalidTexts) assert.throws(() => parseMoney(text), RangeError, text);
});
