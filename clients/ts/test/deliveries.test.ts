import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { durationMs } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { DeliveryState, OrderSyncService } from "@nationalsite/protos/ordersync/v1";
import { connect, createClient, waitForDelivery } from "@nationalsite/client";
import { type Handlers, serve } from "./server.js";

type Call = grpc.ServerUnaryCall<any, any>;
type Respond = grpc.sendUnaryData<any>;

async function connectTo(t: TestContext, getDelivery: Handlers[string]) {
  const channel = connect(await serve(t, OrderSyncService, { getDelivery }), "orderSync");
  t.after(() => channel.close());
  return createClient(OrderSyncService, channel);
}

test("a finished delivery is returned, whatever its end, also after an error", async (t) => {
  const states = [
    [DeliveryState.PENDING, undefined],
    [DeliveryState.DEAD, { seconds: 1n }],
  ] as const;
  const remaining = [...states];
  const waitsMs: number[] = [];
  let errors = 5; // more than callWithRetries permits by default
  const orders = await connectTo(t, ({ request }: Call, respond: Respond) => {
    if (errors-- > 0) return respond({ code: grpc.status.UNAVAILABLE, details: "simulated" });
    waitsMs.push(durationMs(request.wait));
    const [state, finishTime] = remaining.shift()!;
    respond(null, { delivery: { deliveryId: request.deliveryId, state, ...(finishTime && { finishTime }) } });
  });
  const delivery = await waitForDelivery(orders, "1", { timeoutMs: 60_000 });
  assert.deepEqual([delivery.deliveryId, delivery.state], ["1", DeliveryState.DEAD]);
  assert.deepEqual(waitsMs, [20_000, 20_000]);
});

test("a pending delivery is a TimeoutError after the timeout, whatever the service does", async (t) => {
  const pending = { delivery: { state: DeliveryState.PENDING } };
  const answers = [
    (_: Call, respond: Respond) => setTimeout(() => respond(null, pending), 100), // earlier than the wait
    () => {},
    (_: Call, respond: Respond) => respond({ code: grpc.status.UNAVAILABLE, details: "simulated" }),
  ];
  for (const answer of answers) {
    const orders = await connectTo(t, answer as Handlers[string]);
    await assert.rejects(waitForDelivery(orders, "1", { timeoutMs: 900 }), { name: "TimeoutError" });
  }
});

test("an error that a retry does not help against is thrown", async (t) => {
  const orders = await connectTo(t, (_: Call, respond: Respond) =>
    respond({ code: grpc.status.NOT_FOUND, details: "no such delivery" }),
  );
  await assert.rejects(waitForDelivery(orders, "1", { timeoutMs: 20_000 }), { details: "no such delivery" });
});
