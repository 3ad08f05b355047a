// A server may be newer than these stubs. tests/polyglot/newer_server has responses of such a server.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { OrderSyncService } from "@nationalsite/protos/ordersync/v1";
import { ProductService } from "@nationalsite/protos/product/v1";

const FOLDER = new URL("../../../../tests/polyglot/newer_server/", import.meta.url);
const RESPONSES = [...OrderSyncService.methods, ...ProductService.methods].map(({ output }) => output);
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

assert.ok(NAMES.length);
for (const name of NAMES) {
  const message = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
  test(message.description, () => {
    const schema = RESPONSES.find(({ typeName }) => typeName === message.type);
    assert.ok(schema);
    const decoded = fromBinary(schema, readFileSync(new URL(name.replace(/json$/, "binpb"), FOLDER)));
    assert.deepEqual(toJson(schema, decoded, { useProtoFieldName: true }), message.known);
    assert.equal(toBinary(schema, decoded).length, message.encoded_size);
  });
}
