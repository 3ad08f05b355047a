// How the result of a call differs from what its case expects.
import { isDeepStrictEqual } from "node:util";

type Json = Record<string, any>;

/** Yields the differences between `expect` and the result of a call. */
export function* compareResult(expect: Json, actual: Json): Generator<string> {
  const expected = "violations" in expect ? expect : { status: "OK", ...expect };
  for (const [name, expectedValue] of Object.entries(expected)) {
    const actualValue = actual[name];
    if (name === "trailing_metadata") {
      for (const [key, allowed] of Object.entries<string[]>(expectedValue)) {
        const sent = actualValue?.[key];
        if (!allowed.includes(sent)) yield `${name} ${key}: ${sent}, not one of ${allowed}`;
      }
    } else if (name === "violations") {
      if (!isDeepStrictEqual(sortViolations(expectedValue), sortViolations(actualValue))) {
        yield `${name}: ${JSON.stringify(actualValue)}, not ${JSON.stringify(expectedValue)}`;
      }
    } else {
      yield* compare(expectedValue, actualValue, name);
    }
  }
}

/** Yields where a part of a message differs from what is expected; null expects an absent member. */
export function* compare(expected: unknown, actual: unknown, path: string): Generator<string> {
  if (isObject(expected) && isObject(actual)) {
    for (const [name, value] of Object.entries(expected)) {
      yield* compare(value, actual[name], `${path}.${name}`);
    }
  } else if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    for (const [index, value] of expected.entries()) {
      yield* compare(value, actual[index], `${path}[${index}]`);
    }
  } else if (expected !== (actual ?? null)) {
    yield `${path}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`;
  }
}

/** Returns violations as text, sorted, with their members in a fixed order. */
function sortViolations(violations: Json[]): string[] {
  return violations.map(({ field, rule }) => JSON.stringify([field, rule])).sort();
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
