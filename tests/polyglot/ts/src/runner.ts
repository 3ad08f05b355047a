// Runs every case in TypeScript, with clients/ts. The README.md beside the cases explains them.
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import type { Channel } from "@grpc/grpc-js";
import { type Service, connect } from "@nationalsite/client";
import { Call, type Case } from "./call.js";
import { compareResult } from "./compare.js";

const channels = new Map<string, Channel>();

function getChannel(target: string, service: Service): Channel {
  const channel = channels.get(target) ?? connect(readVariable(`POLYGLOT_${target}`), service);
  channels.set(target, channel);
  return channel;
}

function readVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

const folder = readVariable("POLYGLOT_CASES");
for (const file of readdirSync(folder).filter((name) => name.endsWith(".json")).sort()) {
  const testCase: Case = JSON.parse(readFileSync(path.join(folder, file), "utf8"));
  const actual = await new Call(testCase).run(getChannel);
  const differences = [...compareResult(testCase.expect, actual)];
  if (differences.length && "message" in actual) differences.push(`(${actual.message})`);
  const result = {
    case: path.basename(file, ".json"),
    passed: differences.length === 0,
    differences: differences.join("; "),
  };
  console.log(JSON.stringify(result));
}
for (const channel of channels.values()) channel.close();
