// How what was found differs from what a case expects.
import { isDeepStrictEqual } from "node:util";

type Json = Record<string, any>;

/** Yields what is not as a case expects it. */
export function* unlike(expected: Json, found: Json): Generator<string> {
  const whole = "violations" in expected ? expected : { status: "OK", ...expected };
  for (const [name, wanted] of Object.entries(whole)) {
    if (name === "metadata") {
      for (const [key, values] of Object.entries<string[]>(wanted)) {
        const came = found["metadata"]?.[key];
        if (!values.includes(came)) yield `metadata ${key}: ${came}, not one of ${values}`;
      }
    } else if (name === "violations") {
      if (!isDeepStrictEqual(sorted(wanted), sorted(found[name]))) {
        yield `violations: ${JSON.stringify(found[name])}, not ${JSON.stringify(wanted)}`;
      }
    } else {
      yield* differences(wanted, found[name], name);
    }
  }
}

/** Yields where a part of a message is not as expected; null is what is absent. */
export function* differences(expected: unknown, found: unknown, path: string): Generator<string> {
  if (isObject(expected) && isObject(found)) {
    for (const [name, wanted] of Object.entries(expected)) {
      yield* differences(wanted, found[name], `${path}.${name}`);
    }
  } else if (Array.isArray(expected) && Array.isArray(found) && expected.length === found.length) {
    for (const [place, wanted] of expected.entries()) {
      yield* differences(wanted, found[place], `${path}[${place}]`);
    }
  } else if (expected !== (found ?? null)) {
    yield `${path}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`;
  }
}

/** The same violations in the same order, each with its members in the same order. */
function sorted(violations: Json[]): string[] {
  return violations.map(({ field, rule }) => JSON.stringify([field, rule])).sort();
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
