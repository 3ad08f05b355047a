// Makes every case from TypeScript, through clients/ts. The README.md beside the cases explains them.
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import type { Channel } from "@grpc/grpc-js";
import { type Service, connect, failure } from "@nationalsite/client";
import { type Case, Call, failed } from "./call.js";
import { unlike } from "./differences.js";

const channels = new Map<string, Channel>();

function channel(at: string, service: Service): Channel {
  const open = channels.get(at) ?? connect(variable(`POLYGLOT_${at}`), service);
  channels.set(at, open);
  return open;
}

/** Makes a case; returns what came of it, with the names that `expect` has for it. */
async function made(asked: Case): Promise<Record<string, unknown>> {
  const call = new Call(asked);
  if (asked.validate) return { violations: call.violations() };
  const on = channel(asked.at, call.service);
  try {
    return { status: "OK", ...(await (asked.stream ? call.stream(on, asked.stream) : call.unary(on))) };
  } catch (error) {
    const told = failure(error);
    if (!told) throw error;
    return failed(told);
  }
}

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

const folder = variable("POLYGLOT_CASES");
for (const file of readdirSync(folder).filter((name) => name.endsWith(".json")).sort()) {
  const asked: Case = JSON.parse(readFileSync(path.join(folder, file), "utf8"));
  const found = await made(asked);
  const differences = [...unlike(asked.expect, found)];
  if (differences.length && "message" in found) differences.push(`(${found.message})`);
  const why = differences.join("; ");
  console.log(JSON.stringify({ case: path.basename(file, ".json"), passed: !why, why }));
}
for (const open of channels.values()) open.close();
