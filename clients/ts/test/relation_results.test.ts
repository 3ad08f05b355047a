import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { WriteOrderRelationsResponseSchema } from "@nationalsite/protos/ordersync/v1";
import { pairResults } from "@nationalsite/client";

test("each relation is paired with its error", () => {
  const relations = [{ nationalSubOrderId: "1" }, { nationalSubOrderId: "2" }];
  const response = create(WriteOrderRelationsResponseSchema, {
    results: [{ status: {} }, { status: { code: grpc.status.FAILED_PRECONDITION, message: "refused" } }],
  });
  const paired = pairResults({ relations }, response).map(({ relation, error }) => [
    relation,
    error?.message,
  ]);
  assert.deepEqual(paired, [
    [relations[0], undefined],
    [relations[1], "refused"],
  ]);
  assert.throws(() => pairResults({ relations: [] }, response), RangeError);
});
