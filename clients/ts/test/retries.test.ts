// tests/clients has the cases, which all client libraries share.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type DescMethodUnary, type JsonValue, create, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { ErrorInfoSchema, RetryInfoSchema } from "@nationalsite/protos/google/rpc/error_details";
import { StatusSchema } from "@nationalsite/protos/google/rpc/status";
import { OrderSyncService } from "@nationalsite/protos/ordersync/v1";
import { type UnaryCall, callWithRetries, connect, createClient, parseError } from "@nationalsite/client";
import { serve } from "./server.js";

interface ErrorCase {
  code: keyof typeof grpc.status;
  reason?: string;
  domain?: string;
  retry_delay_ms?: number;
  pushback_ms?: number;
}

interface RetryCase {
  name: string;
  method: "GetDelivery" | "SyncOrder" | "PullMessages";
  request?: JsonValue;
  error: ErrorCase | null;
  failures?: number;
  timeout_ms?: number;
  max_attempts?: number;
  may_repeat?: boolean;
  calls: number;
  min_pause_ms?: number;
  code: keyof typeof grpc.status;
}

const FILE = new URL("../../../../tests/clients/retry_cases.json", import.meta.url);
const CASES: RetryCase[] = JSON.parse(readFileSync(FILE, "utf8"));
const LOCAL_NAMES = {
  GetDelivery: "getDelivery",
  SyncOrder: "syncOrder",
  PullMessages: "pullMessages",
} as const;
/** How much the deadlines of two attempts may differ: gRPC sends the time that is left, in milliseconds. */
const DEADLINE_TOLERANCE_MS = 100;

interface ServerCall {
  readonly request: JsonValue;
  readonly timeMs: number;
  readonly deadlineMs: number;
}

function toServiceError({
  code,
  reason,
  domain = "nationalsite",
  retry_delay_ms,
  pushback_ms,
}: ErrorCase): Partial<grpc.ServiceError> {
  const details = [
    ...(reason
      ? [anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain }))]
      : []),
    ...(retry_delay_ms === undefined
      ? []
      : [anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: durationFromMs(retry_delay_ms) }))]),
  ];
  const metadata = new grpc.Metadata();
  const status = create(StatusSchema, { code: grpc.status[code], message: "simulated", details });
  if (details.length) metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, status)));
  if (pushback_ms !== undefined) metadata.set("grpc-retry-pushback-ms", `${pushback_ms}`);
  return { code: grpc.status[code], details: "simulated", metadata };
}

assert.ok(CASES.length);
for (const retryCase of CASES) {
  test(retryCase.name, async (t) => {
    const { error, failures = 1, timeout_ms: timeoutMs = 20_000, max_attempts: maxAttempts } = retryCase;
    const localName = LOCAL_NAMES[retryCase.method];
    const method: DescMethodUnary = OrderSyncService.method[localName];
    const calls: ServerCall[] = [];
    const address = await serve(t, OrderSyncService, {
      [localName]: (call: grpc.ServerUnaryCall<any, any>, respond: grpc.sendUnaryData<any>) => {
        const request = toJson(method.input, call.request);
        calls.push({ request, timeMs: performance.now(), deadlineMs: Number(call.getDeadline()) });
        if (error && calls.length <= failures) respond(toServiceError(error));
        else respond(null, {});
      },
    });
    const channel = connect(address, "orderSync", { options: { "grpc.enable_retries": 0 } });
    t.after(() => channel.close());
    const call = createClient(OrderSyncService, channel)[localName] as UnaryCall<any, any>;
    const request = fromJson(method.input, retryCase.request ?? {});
    if (error) {
      const parsed = await call(request, { timeoutMs }).then(() => undefined, parseError);
      assert.equal(parsed?.mayRepeat, retryCase.may_repeat);
      calls.length = 0;
    }
    const startMs = performance.now();
    const options = { timeoutMs, ...(maxAttempts !== undefined && { maxAttempts }) };
    const code = await callWithRetries(call, request, options).then(
      () => grpc.status.OK,
      (error) => parseError(error)?.code,
    );
    assert.equal(grpc.status[code!], retryCase.code);
    assert.ok(performance.now() - startMs < timeoutMs / 2);
    assert.equal(calls.length, retryCase.calls);
    const [first, second] = calls;
    for (const { request, deadlineMs } of calls) {
      assert.deepEqual(request, first!.request);
      assert.ok(Math.abs(deadlineMs - first!.deadlineMs) < DEADLINE_TOLERANCE_MS);
    }
    if (second) assert.ok(second.timeMs - first!.timeMs >= (retryCase.min_pause_ms ?? 0));
  });
}

test("a signal ends the pause before a retry", async (t) => {
  const controller = new AbortController();
  const error = toServiceError({
    code: "UNAVAILABLE",
    reason: "ERROR_REASON_DRAINING",
    retry_delay_ms: 20_000,
  });
  const address = await serve(t, OrderSyncService, {
    getDelivery: (_: unknown, respond: grpc.sendUnaryData<any>) => respond(error),
  });
  const channel = connect(address, "orderSync", { options: { "grpc.enable_retries": 0 } });
  t.after(() => channel.close());
  const { getDelivery } = createClient(OrderSyncService, channel);
  const onTrailer = () => setImmediate(() => controller.abort()); // the pause has begun then
  const options = { timeoutMs: 60_000, signal: controller.signal, onTrailer };
  await assert.rejects(callWithRetries(getDelivery, {}, options), { name: "AbortError" });
});
