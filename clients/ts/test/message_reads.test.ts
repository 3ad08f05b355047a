import assert from "node:assert/strict";
import { test } from "node:test";
import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { listMessageReads } from "@nationalsite/client";
import { MessageSchema } from "@nationalsite/protos/ordersync/v1";

type Fields = MessageInitShape<typeof MessageSchema>;

/** Returns the reads as `[function, ...ids]`. */
function list(message: Fields): unknown[] {
  return listMessageReads(create(MessageSchema, message)).map(({ rpc, request }) => {
    const { $typeName, ...fields } = request;
    assert.equal($typeName.toLowerCase(), `nationalsite.ordersync.v1.${rpc}request`.toLowerCase());
    return [rpc, ...Object.values(fields).filter(Boolean)];
  });
}

test("an order's shipments are read after it was shipped, and the order after each topic", () => {
  const payload = { case: "order", value: { cbuOrderId: 7n } } as const;
  const shipped = [["listShipments", 7n], ["getPurchaseOrder", 7n]];
  assert.deepEqual(list({ topic: "ORDER_BUYER_VIEW_PART_PART_SENDGOODS", payload }), shipped);
  assert.deepEqual(list({ topic: "ORDER_BUYER_VIEW_ORDER_PAY", payload }), [["getPurchaseOrder", 7n]]);
  assert.deepEqual(list({ topic: "A_NEWER_TOPIC", payload }), [["getPurchaseOrder", 7n]]);
});

test("a refund is read before its order", () => {
  const payload = { case: "refund", value: { cbuOrderId: 7n, refundId: "TQ1" } } as const;
  assert.deepEqual(list({ payload }), [["getRefund", "TQ1"], ["getPurchaseOrder", 7n]]);
});

test("each order of a message is read once", () => {
  const items = [7n, 7n, 8n].map((cbuOrderId) => ({ cbuOrderId }));
  assert.deepEqual(list({ payload: { case: "batchPay", value: { results: items } } }), [
    ["getPurchaseOrder", 7n],
    ["getPurchaseOrder", 8n],
  ]);
  assert.deepEqual(list({ payload: { case: "mailNoChange", value: { orderLogsItems: items } } }), [
    ["listShipments", 7n],
    ["listShipments", 8n],
  ]);
});

test("the traces of the shipment are read", () => {
  const orderLogsItems = [{ cbuOrderId: 7n }];
  const payload = { case: "logisticsTrace", value: { cbuLogisticsId: "LP1", orderLogsItems } } as const;
  assert.deepEqual(list({ payload }), [["listShipmentTraces", 7n, "LP1"]]);
});

test("messages without ids have no reads", () => {
  const payloads: NonNullable<Fields["payload"]>[] = [
    { case: undefined },
    { case: "order", value: {} },
    { case: "order", value: { cbuOrderId: 0n } },
    { case: "refund", value: { refundId: "" } },
    { case: "batchPay", value: { results: [{ status: "successed" }] } },
    { case: "logisticsTrace", value: { cbuLogisticsId: "LP1" } },
  ];
  for (const payload of payloads) assert.deepEqual(list({ topic: "ORDER_BUYER_VIEW_ORDER_PAY", payload }), []);
});

test("the function decides the type of the request", () => {
  const payload = { case: "refund", value: { refundId: "TQ1" } } as const;
  const [read] = listMessageReads(create(MessageSchema, { payload }));
  const refundId: string | undefined = read?.rpc === "getRefund" ? read.request.refundId : undefined;
  assert.equal(refundId, "TQ1");
});
