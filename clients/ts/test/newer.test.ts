// A server may be newer than these stubs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { DeliverySchema, DeliveryState } from "@nationalsite/protos/ordersync/v1";

test("a field, an arm and a value of tomorrow are kept", () => {
  const state = DeliverySchema.field.state.number;
  const sent = new BinaryWriter()
    .raw(toBinary(DeliverySchema, create(DeliverySchema, { deliveryId: "1", state: DeliveryState.DEAD })))
    .tag(state, WireType.Varint)
    .int32(77) // a state
    .tag(1001, WireType.LengthDelimited)
    .string("a field")
    .tag(1002, WireType.LengthDelimited) // an arm of `sync` is a field as any other
    .bytes(Uint8Array.of(8, 1))
    .finish();
  const read = fromBinary(DeliverySchema, sent);
  assert.equal(read.deliveryId, "1");
  assert.equal(read.state, 77);
  assert.equal(DeliveryState[read.state], undefined);
  assert.deepEqual(read.sync, { case: undefined });
  assert.deepEqual(read.$unknown?.map(({ no }) => no), [1001, 1002]);
  assert.deepEqual(toJson(DeliverySchema, read), { deliveryId: "1", state: 77 });
  assert.deepEqual(fromBinary(DeliverySchema, toBinary(DeliverySchema, read)), read);
});
