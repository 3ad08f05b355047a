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
const messageResponse = (messageId: string) => ({ response: { case: "message", value: { messageId } } });

test("a call carries metadata, and gets the header before its response", async (t) => {
  const address = await serve(t, ProductService, {
    getCategory: (call: grpc.ServerUnaryCall<any, any>, answer: grpc.sendUnaryData<any>) => {
      const header = new grpc.Metadata();
      header.set("nationalsite-cache", `${call.metadata.get("cache-control")}`);
      call.sendMetadata(header);
      answer(null, { categories: [{ categoryId: call.request.categoryId }] });
    },
  });
  const channel = connect(address, "product");
  t.after(() => channel.close());
  const headers: grpc.Metadata[] = [];
  const found = await createClient(ProductService, channel).getCategory(
    { categoryId: 2n ** 53n + 1n },
    { timeoutMs: 5_000, metadata: { "cache-control": "no-cache" }, onHeader: (header) => headers.push(header) },
  );
  assert.equal(found.categories[0]?.categoryId, 9007199254740993n);
  assert.deepEqual(headers.map((header) => header.get("nationalsite-cache")), [["no-cache"]]);
});

test("a deadline and a signal end a call, also at the server", async (t) => {
  const ended: Promise<unknown>[] = [];
  const begun: (() => void)[] = [];
  const address = await serve(t, ProductService, {
    searchByKeyword: (call: grpc.ServerUnaryCall<any, any>) => {
      ended.push(once(call, "cancelled"));
      begun.shift()?.();
    },
  });
  const channel = connect(address, "product");
  t.after(() => channel.close());
  const products = createClient(ProductService, channel);
  const late = products.searchByKeyword({}, { timeoutMs: 200 });
  await assert.rejects(late, { code: grpc.status.DEADLINE_EXCEEDED });
  const aborting = new AbortController();
  begun.push(() => aborting.abort());
  const { signal } = aborting;
  const aborted = products.searchByKeyword({}, { signal, timeoutMs: 20_000 });
  await assert.rejects(aborted, { code: grpc.status.CANCELLED });
  assert.equal((await Promise.all(ended)).length, 2);
  await assert.rejects(products.searchByKeyword({}, { signal }), { name: "AbortError" }); // not begun at all
});

test("a stream ends when its requests have ended and the server has said all", async (t) => {
  const address = await serve(t, OrderSyncService, {
    streamMessages: (call: Duplex) => {
      call.on("data", ({ request }) => {
        for (const messageId of request.value.messageIds ?? []) call.write(messageResponse(messageId));
      });
      call.on("end", () => call.end());
    },
  });
  const channel = connect(address, "orderSync");
  t.after(() => channel.close());
  async function* requests() {
    yield OPEN;
    for (const id of ["1", "2"]) yield { request: { case: "ack" as const, value: { messageIds: [id] } } };
  }
  const ids: (string | undefined)[] = [];
  for await (const { response } of createClient(OrderSyncService, channel).streamMessages(requests())) {
    ids.push(response.value?.messageId);
  }
  assert.deepEqual(ids, ["1", "2"]);
});

test("leaving a stream cancels it, and ends its requests", async (t) => {
  const cancelled: Promise<unknown>[] = [];
  const address = await serve(t, OrderSyncService, {
    streamMessages: (call: Duplex) => {
      cancelled.push(once(call, "cancelled"));
      call.write(messageResponse("1"));
    },
  });
  const channel = connect(address, "orderSync");
  t.after(() => channel.close());
  let release = () => {};
  const over = new Promise<void>((resolve) => (release = resolve));
  async function* requests() {
    try {
      for (;;) yield OPEN;
    } finally {
      release();
    }
  }
  for await (const { response } of createClient(OrderSyncService, channel).streamMessages(requests())) {
    assert.equal(response.value?.messageId, "1");
    break;
  }
  await over;
  await Promise.all(cancelled);
  assert.equal(cancelled.length, 1);
});

test("what is wrong with a stream is thrown where its responses are read", async (t) => {
  const address = await serve(t, OrderSyncService, {
    streamMessages: (call: Duplex) => {
      call.write(messageResponse("1"));
      call.on("data", () => call.emit("error", { code: grpc.status.NOT_FOUND, details: "gone" }));
    },
  });
  const channel = connect(address, "orderSync");
  t.after(() => channel.close());
  const orders = createClient(OrderSyncService, channel);
  async function* requests(fault?: Error) {
    if (fault) throw fault;
    yield OPEN;
    await new Promise(() => {}); // and never says more
  }
  const refused = orders.streamMessages(requests(), { timeoutMs: 20_000 });
  assert.equal((await refused.next()).value?.response.value?.messageId, "1");
  await assert.rejects(refused.next(), { code: grpc.status.NOT_FOUND, details: "gone" });
  const fault = new Error("no more to say");
  await assert.rejects(async () => {
    for await (const _ of orders.streamMessages(requests(fault))) continue;
  }, fault);
});
