// Runs every case in TypeScript, with clients/ts. The README.md beside the cases explains them.
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import type { JsonValue } from "@bufbuild/protobuf";
import type { Channel } from "@grpc/grpc-js";
import { type Service, connect } from "@nationalsite/client";
import { Call, type Case } from "./call.js";
import { compareResult } from "./compare.js";
import { Saved } from "./saved.js";

const channels = new Map<string, Channel>();
const saved = new Saved();

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
  const testCase: Case = saved.fill(JSON.parse(readFileSync(path.join(folder, file), "utf8")));
  const actual = await new Call(testCase, saved).run(getChannel);
  const differences = [...compareResult(testCase.expect, actual)];
  if (!differences.length) saved.add(testCase.save, actual.response as JsonValue);
  if (differences.length && "message" in actual) differences.push(`(${actual.message})`);
  const result = {
    case: path.basename(file, ".json"),
    passed: differences.length === 0,
    differences: differences.join("; "),
  };
  console.log(JSON.stringify(result));
}
for (const channel of channels.values()) channel.close();
