import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type DescMessage, type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import { anyPack, StructSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { ErrorReason } from "@nationalsite/protos/errors/v1";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "@nationalsite/protos/google/rpc/error_details";
import { StatusSchema } from "@nationalsite/protos/google/rpc/status";
import { ProductService } from "@nationalsite/protos/product/v1";
import { type Failure, connect, createClient, failedResult, failure } from "@nationalsite/client";
import { serve } from "./server.js";

const any = <S extends DescMessage>(schema: S, fields: MessageInitShape<S>) =>
  anyPack(schema, create(schema, fields));
const INFO = any(ErrorInfoSchema, {
  reason: "ERROR_REASON_UPSTREAM_RATE",
  domain: "nationalsite",
  metadata: { source: "1688", code: "gw.QosAppFrequencyLimit", message: "频率", upstream_request_id: "0a1b" },
});

/** What is read of a call that a server refuses with these details and trailers. */
async function refused(
  t: TestContext,
  details: Uint8Array,
  trailers: Record<string, string>,
): Promise<Failure> {
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(details));
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  const address = await serve(t, ProductService, {
    uploadImage: (_: unknown, answer: grpc.sendUnaryData<any>) =>
      answer({ code: grpc.status.RESOURCE_EXHAUSTED, details: "too many", metadata }),
  });
  const channel = connect(address, "product");
  t.after(() => channel.close());
  const error = await createClient(ProductService, channel)
    .uploadImage({}, { timeoutMs: 10_000 })
    .catch((error: unknown) => error);
  const told = failure(error);
  assert.ok(told);
  return told;
}

test("a failure tells all that came with it", async (t) => {
  const details = [
    any(StructSchema, {}), // of a type that no caller expects
    INFO,
    any(RetryInfoSchema, { retryDelay: { seconds: 1n, nanos: 500_000_000 } }),
    any(BadRequestSchema, { fieldViolations: [{ field: "filters[0]", description: "no commas" }] }),
  ];
  const rich = toBinary(StatusSchema, create(StatusSchema, { code: 8, message: "too many", details }));
  const { details: known, ...told } = await refused(t, rich, { "grpc-retry-pushback-ms": "1500" });
  assert.deepEqual(told, {
    status: grpc.status.RESOURCE_EXHAUSTED,
    message: "too many",
    reason: ErrorReason.UPSTREAM_RATE,
    reasonName: "ERROR_REASON_UPSTREAM_RATE",
    info: { source: "1688", code: "gw.QosAppFrequencyLimit", message: "频率", upstream_request_id: "0a1b" },
    violations: [{ field: "filters[0]", description: "no commas" }],
    retryDelayMs: 1500,
    pushbackMs: 1500,
  });
  assert.deepEqual(
    known.map((detail) => detail.$typeName),
    ["google.rpc.ErrorInfo", "google.rpc.RetryInfo", "google.rpc.BadRequest"],
  );
});

test("a reason that these stubs do not know keeps its name", async (t) => {
  const details = [any(ErrorInfoSchema, { reason: "ERROR_REASON_OF_TOMORROW" })];
  const rich = toBinary(StatusSchema, create(StatusSchema, { code: 8, details }));
  const told = await refused(t, rich, { "grpc-retry-pushback-ms": "-1" });
  assert.equal(told.reason, ErrorReason.UNSPECIFIED);
  assert.equal(told.reasonName, "ERROR_REASON_OF_TOMORROW");
  assert.equal(told.retryDelayMs, undefined);
  assert.equal(told.pushbackMs, -1);
});

test("what is no status, or no number, does no harm", async (t) => {
  const told = await refused(t, Uint8Array.of(0xff, 0xff), { "grpc-retry-pushback-ms": "soon" });
  assert.equal(told.status, grpc.status.RESOURCE_EXHAUSTED);
  assert.equal(told.reasonName, "");
  assert.deepEqual(told.details, []);
  assert.equal(told.pushbackMs, -1);
});

test("what is no failed call is not read as one", () => {
  assert.equal(failure(new TypeError("a fault of the program")), undefined);
  assert.equal(failure("text"), undefined);
});

test("a result of WriteOrderRelations is read as a call's failure is", () => {
  assert.equal(failedResult(create(StatusSchema, {})), undefined);
  const told = failedResult(create(StatusSchema, { code: 9, message: "refused", details: [INFO] }));
  assert.equal(told?.status, grpc.status.FAILED_PRECONDITION);
  assert.equal(told?.reason, ErrorReason.UPSTREAM_RATE);
  assert.equal(told?.pushbackMs, undefined);
  assert.equal(failedResult(create(StatusSchema, { code: 99 }))?.status, grpc.status.UNKNOWN);
});
