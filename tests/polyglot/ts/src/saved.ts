// Values of earlier responses, by name.
import type { JsonValue } from "@bufbuild/protobuf";

export class Saved {
  readonly #values = new Map<string, string>();

  /** Returns a copy of a case, or of a part of it, with `{{name}}` replaced by saved values. */
  fill<T>(fields: T): T {
    let text = JSON.stringify(fields);
    for (const [name, value] of this.#values) text = text.replaceAll(`{{${name}}}`, value);
    return JSON.parse(text) as T;
  }

  /** Saves the values of a response to which the paths lead. */
  add(paths: Record<string, string> | undefined, response: JsonValue): void {
    for (const [name, path] of Object.entries(paths ?? {})) {
      const value = path.split(".").reduce<any>((parent, key) => parent?.[key], response);
      if (typeof value !== "string") throw new Error(`save: no text ${path} in ${JSON.stringify(response)}`);
      this.#values.set(name, value);
    }
  }
}
