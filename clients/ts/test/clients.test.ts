import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { OrderSyncService } from "@nationalsite/protos/ordersync/v1";
import { ProductService } from "@nationalsite/protos/product/v1";
import { connect, createClient } from "@nationalsite/client";
import { serve } from "./server.js";

type Duplex = grpc.ServerDuplexStream<any, any>;

const OPEN = { request: { case: "open", value: { subscription: "shop" } } } as const;
const delivered = (...ackIds: string[]) => ({
  response: { case: "delivered", value: { receivedMessages: ackIds.map((ackId) => ({ ackId })) } },
});

test("a call sends metadata and receives trailing metadata", async (t) => {
  const address = await serve(t, ProductService, {
    getCategory: (call: grpc.ServerUnaryCall<any, any>, respond: grpc.sendUnaryData<any>) => {
      const trailer = new grpc.Metadata();
      trailer.set("nationalsite-cache", `${call.metadata.get("cache-control")}`);
      respond(null, { category: { categoryId: call.request.categoryId } }, trailer);
    },
  });
  const channel = connect(address, "product");
  t.after(() => channel.close());
  const received: grpc.Metadata[] = [];
  const response = await createClient(ProductService, channel).getCategory(
    { categoryId: 2n ** 53n + 1n },
    { timeoutMs: 5_000, metadata: { "cache-control": "no-cache" }, onTrailer: (metadata) => received.push(metadata) },
  );
  assert.equal(response.category?.categoryId, 9007199254740993n);
  assert.deepEqual(received.map((metadata) => metadata.get("nationalsite-cache")), [["no-cache"]]);
});

test("a deadline or a signal cancels a call, also at the server", async (t) => {
  const cancelled: Promise<unknown>[] = [];
  const onStart: (() => void)[] = [];
  const address = await serve(t, ProductService, {
    searchByKeyword: (call: grpc.ServerUnaryCall<any, any>) => {
      cancelled.push(once(call, "cancelled"));
      onStart.shift()?.();
    },
  });
  const channel = connect(address, "product");
  t.after(() => channel.close());
  const products = createClient(ProductService, channel);
  const timedOut = products.searchByKeyword({}, { timeoutMs: 200 });
  await assert.rejects(timedOut, { code: grpc.status.DEADLINE_EXCEEDED });
  const controller = new AbortController();
  onStart.push(() => controller.abort());
  const { signal } = controller;
  const aborted = products.searchByKeyword({}, { signal, timeoutMs: 20_000 });
  await assert.rejects(aborted, { code: grpc.status.CANCELLED });
  assert.equal((await Promise.all(cancelled)).length, 2);
  await assert.rejects(products.searchByKeyword({}, { signal }), { name: "AbortError" }); // aborted before the start
});

test("a stream ends after its requests and all responses", async (t) => {
  const address = await serve(t, OrderSyncService, {
    streamMessages: (call: Duplex) => {
      call.on("data", ({ request }) => {
        if (request.case === "open") call.write(delivered("1", "2"));
        else call.write({ response: { case: "lapsed", value: { ackIds: request.value.ackIds } } });
      });
      call.on("end", () => call.end());
    },
  });
  const channel = connect(address, "orderSync");
  t.after(() => channel.close());
  async function* requests() {
    yield OPEN;
    for (const id of ["1", "2"]) yield { request: { case: "ack" as const, value: { ackIds: [id] } } };
  }
  const responses: unknown[] = [];
  for await (const { response } of createClient(OrderSyncService, channel).streamMessages(requests())) {
    if (response.case === "delivered") {
      responses.push(response.value.receivedMessages.map(({ ackId }) => ackId));
    } else if (response.case === "lapsed") {
      responses.push({ lapsed: response.value.ackIds });
    }
  }
  assert.deepEqual(responses, [["1", "2"], { lapsed: ["1"] }, { lapsed: ["2"] }]);
});

test("leaving a stream cancels it and ends its requests", async (t) => {
  const cancelled: Promise<unknown>[] = [];
  const address = await serve(t, OrderSyncService, {
    streamMessages: (call: Duplex) => {
      cancelled.push(once(call, "cancelled"));
      call.write(delivered("1"));
    },
  });
  const channel = connect(address, "orderSync");
  t.after(() => channel.close());
  let onRequestsEnd = () => {};
  const requestsEnded = new Promise<void>((resolve) => (onRequestsEnd = resolve));
  async function* requests() {
    try {
      for (;;) yield OPEN;
    } finally {
      onRequestsEnd();
    }
  }
  for await (const { response } of createClient(OrderSyncService, channel).streamMessages(requests())) {
    assert.equal(response.case, "delivered");
    break;
  }
  await requestsEnded;
  await Promise.all(cancelled);
  assert.equal(cancelled.length, 1);
});

test("an error of a stream is thrown by the loop over its responses", async (t) => {
  const address = await serve(t, OrderSyncService, {
    streamMessages: (call: Duplex) => {
      call.write(delivered("1"));
      call.on("data", () => call.emit("error", { code: grpc.status.NOT_FOUND, details: "gone" }));
    },
  });
  const channel = connect(address, "orderSync");
  t.after(() => channel.close());
  const orders = createClient(OrderSyncService, channel);
  async function* requests(error?: Error) {
    if (error) throw error;
    yield OPEN;
    await new Promise(() => {}); // never ends
  }
  const responses = orders.streamMessages(requests(), { timeoutMs: 20_000 });
  assert.equal((await responses.next()).value?.response.case, "delivered");
  await assert.rejects(responses.next(), { code: grpc.status.NOT_FOUND, details: "gone" });
  const requestError = new Error("no more requests");
  await assert.rejects(async () => {
    for await (const _ of orders.streamMessages(requests(requestError))) continue;
  }, requestError);
});
