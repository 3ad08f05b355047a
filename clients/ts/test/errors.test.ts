import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type DescMessage, type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { anyPack, StructSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { ErrorReason, Retry } from "@nationalsite/protos/errors/v1";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "@nationalsite/protos/google/rpc/error_details";
import { StatusSchema } from "@nationalsite/protos/google/rpc/status";
import { ProductService } from "@nationalsite/protos/product/v1";
import { type ErrorDetails, connect, createClient, parseError, parseStatus } from "@nationalsite/client";
import { serve } from "./server.js";

const pack = <S extends DescMessage>(schema: S, fields: MessageInitShape<S>) =>
  anyPack(schema, create(schema, fields));
const INFO = pack(ErrorInfoSchema, {
  reason: "ERROR_REASON_UPSTREAM_RATE",
  domain: "nationalsite",
  metadata: { source: "1688", upstreamCode: "gw.QosAppFrequencyLimit", upstreamMessage: "频率" },
});

/** Makes a call that fails with this status and these trailers, and parses its error. */
async function failAndParse(
  t: TestContext,
  status: Uint8Array,
  trailers: Record<string, string>,
): Promise<ErrorDetails> {
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(status));
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  const address = await serve(t, ProductService, {
    uploadImage: (_: unknown, respond: grpc.sendUnaryData<any>) =>
      respond({ code: grpc.status.RESOURCE_EXHAUSTED, details: "too many", metadata }),
  });
  const channel = connect(address, "product");
  t.after(() => channel.close());
  const error = await createClient(ProductService, channel)
    .uploadImage({}, { timeoutMs: 10_000 })
    .catch((error: unknown) => error);
  const details = parseError(error);
  assert.ok(details);
  return details;
}

test("all details are parsed", async (t) => {
  const details = [
    pack(StructSchema, {}), // not an error detail
    INFO,
    pack(RetryInfoSchema, { retryDelay: { seconds: 1n, nanos: 500_000_000 } }),
    pack(BadRequestSchema, { fieldViolations: [{ field: "filters[0]", description: "no commas", reason: "FILTER_COMMA" }] }),
  ];
  const status = toBinary(StatusSchema, create(StatusSchema, { code: 8, message: "too many", details }));
  const { details: unpacked, ...rest } = await failAndParse(t, status, { "grpc-retry-pushback-ms": "1500" });
  assert.deepEqual(rest, {
    code: grpc.status.RESOURCE_EXHAUSTED,
    message: "too many",
    reason: ErrorReason.UPSTREAM_RATE,
    reasonName: "ERROR_REASON_UPSTREAM_RATE",
    retry: Retry.AFTER_DELAY,
    mayRepeat: true,
    metadata: { source: "1688", upstreamCode: "gw.QosAppFrequencyLimit", upstreamMessage: "频率" },
    fieldViolations: [{ field: "filters[0]", description: "no commas", reason: "FILTER_COMMA" }],
    retryDelayMs: 1500,
    pushbackMs: 1500,
  });
  assert.deepEqual(
    unpacked.map((detail) => detail.$typeName),
    ["google.rpc.ErrorInfo", "google.rpc.RetryInfo", "google.rpc.BadRequest"],
  );
});

test("a newer reason keeps its name", async (t) => {
  const info = pack(ErrorInfoSchema, { reason: "ERROR_REASON_NEWER", domain: "nationalsite" });
  const status = toBinary(StatusSchema, create(StatusSchema, { code: 8, details: [info] }));
  const details = await failAndParse(t, status, { "grpc-retry-pushback-ms": "-1" });
  assert.equal(details.reason, ErrorReason.UNSPECIFIED);
  assert.equal(details.reasonName, "ERROR_REASON_NEWER");
  assert.equal(details.retry, Retry.UNSPECIFIED);
  assert.equal(details.retryDelayMs, undefined);
  assert.equal(details.pushbackMs, -1);
});

test("RetryInfo without a delay permits a retry at once", async (t) => {
  const info = pack(ErrorInfoSchema, { reason: "ERROR_REASON_NEWER", domain: "nationalsite" });
  const details = [info, pack(RetryInfoSchema, {})];
  const status = toBinary(StatusSchema, create(StatusSchema, { code: 8, details }));
  const { mayRepeat, retryDelayMs } = await failAndParse(t, status, {});
  assert.deepEqual([mayRepeat, retryDelayMs], [true, 0]);
});

test("an invalid status and an invalid number are ignored", async (t) => {
  const details = await failAndParse(t, Uint8Array.of(0xff, 0xff), { "grpc-retry-pushback-ms": "soon" });
  assert.equal(details.code, grpc.status.RESOURCE_EXHAUSTED);
  assert.equal(details.reasonName, "");
  assert.deepEqual(details.details, []);
  assert.equal(details.pushbackMs, -1);
});

test("a detail that cannot be decoded is ignored", () => {
  const invalid = { typeUrl: INFO.typeUrl, value: Uint8Array.of(0xff) };
  const details = parseStatus(create(StatusSchema, { code: 9, details: [invalid, INFO] }));
  assert.equal(details?.reason, ErrorReason.UPSTREAM_RATE);
  assert.equal(details?.details.length, 1);
});

test("errors that are not from a call have no details", () => {
  assert.equal(parseError(new TypeError("a bug in the program")), undefined);
  assert.equal(parseError("text"), undefined);
});

test("a failed result of WriteOrderRelations is parsed", () => {
  assert.equal(parseStatus(create(StatusSchema, {})), undefined);
  const details = parseStatus(create(StatusSchema, { code: 9, message: "refused", details: [INFO] }));
  assert.equal(details?.code, grpc.status.FAILED_PRECONDITION);
  assert.equal(details?.reason, ErrorReason.UPSTREAM_RATE);
  assert.equal(details?.pushbackMs, undefined);
  assert.equal(parseStatus(create(StatusSchema, { code: 99 }))?.code, grpc.status.UNKNOWN);
});
