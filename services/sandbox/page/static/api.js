// Calls the admin API (docs/sandbox.md).
import { parse, stringify } from "./exact_json.js";

async function request(method, path, body) {
  const response = await fetch(`/admin/${path}`, {
    method,
    cache: "no-store",
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : stringify(body),
  });
  const text = await response.text();
  const result = text ? parse(text) : null;
  if (!response.ok) throw new Error(result?.error ?? `HTTP ${response.status}`);
  return result;
}

export const get = (path) => request("GET", path);
export const post = (path, body) => request("POST", path, body);
export const put = (path, body) => request("PUT", path, body);
export const remove = (path) => request("DELETE", path);
