// A server may be newer than these stubs: tests/polyglot/forward has what it may say then.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { createRegistry, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { file_nationalsite_ordersync_v1_message } from "@nationalsite/protos/ordersync/v1";
import { file_nationalsite_product_v1_product_service } from "@nationalsite/protos/product/v1";

const FOLDER = new URL("../../../../tests/polyglot/forward/", import.meta.url);
const TYPES = createRegistry(
  file_nationalsite_ordersync_v1_message,
  file_nationalsite_product_v1_product_service,
);
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

assert.ok(NAMES.length);
for (const name of NAMES) {
  const answer = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
  test(answer.about, () => {
    const schema = TYPES.getMessage(answer.type);
    assert.ok(schema);
    const read = fromBinary(schema, readFileSync(new URL(name.replace(/json$/, "binpb"), FOLDER)));
    assert.deepEqual(toJson(schema, read, { useProtoFieldName: true }), answer.known);
    assert.equal(toBinary(schema, read).length, answer.size);
  });
}
