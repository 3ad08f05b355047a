// JSON with exact integers. Ids of 1688 have 19 digits, and a JavaScript number would round them.

// The browser has to pass the source text of a number to the reviver (ECMAScript 2026; browsers since 2025).
const json = /** @type {any} */ (JSON); // TypeScript does not know it yet
export const isSupported = typeof json.rawJSON === "function";

// Integers that a number cannot hold become BigInts.
export function parse(text) {
  return json.parse(text, (name, value, { source }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
      ? BigInt(source)
      : value,
  );
}

export function stringify(value, indent) {
  return JSON.stringify(
    value,
    (name, each) => (typeof each === "bigint" ? json.rawJSON(`${each}`) : each),
    indent,
  );
}
