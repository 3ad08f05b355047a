import assert from "node:assert/strict";
import { test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { ProductService } from "@nationalsite/protos/product/v1";
import { connect, createClient } from "@nationalsite/client";
import { serve } from "./server.js";

type Respond = grpc.sendUnaryData<any>;

test("reads are retried as the server permits, and writes are not", async (t) => {
  const attempts = { search: 0, detail: 0, upload: 0 };
  const unavailable = (pushbackMs: string) => {
    const metadata = new grpc.Metadata();
    metadata.set("grpc-retry-pushback-ms", pushbackMs);
    return { code: grpc.status.UNAVAILABLE, details: "busy", metadata };
  };
  const address = await serve(t, ProductService, {
    searchByKeyword: (_: unknown, respond: Respond) =>
      ++attempts.search < 3 ? respond(unavailable("1")) : respond(null, { totalSize: 7 }),
    getProductDetail: (_: unknown, respond: Respond) => (++attempts.detail, respond(unavailable("-1"))),
    uploadImage: (_: unknown, respond: Respond) => (++attempts.upload, respond(unavailable("1"))),
  });
  const channel = connect(address, "product");
  t.after(() => channel.close());
  const products = createClient(ProductService, channel);
  assert.equal((await products.searchByKeyword({}, { timeoutMs: 10_000 })).totalSize, 7);
  await assert.rejects(products.getProductDetail({}, { timeoutMs: 10_000 }), { details: "busy" });
  await assert.rejects(products.uploadImage({}, { timeoutMs: 10_000 }), { details: "busy" });
  assert.deepEqual(attempts, { search: 3, detail: 1, upload: 1 });
});

test("calls are balanced over all addresses", async (t) => {
  const calls = [0, 0];
  const addresses = await Promise.all(
    calls.map((_, index) =>
      serve(t, ProductService, {
        getFilterConfig: (_: unknown, respond: Respond) => ((calls[index]! += 1), respond(null, {})),
      }),
    ),
  );
  const channel = connect(`ipv4:${addresses.join()}`, "product");
  t.after(() => channel.close());
  const products = createClient(ProductService, channel);
  while (calls.includes(0)) await products.getFilterConfig({}, { timeoutMs: 10_000 }); // wait until both are connected
  const before = [...calls];
  for (let call = 0; call < 10; call++) await products.getFilterConfig({}, { timeoutMs: 10_000 });
  assert.deepEqual(calls, before.map((count) => count + 5));
});

test("requests of 5 MiB and responses of 16 MiB pass", async (t) => {
  const address = await serve(t, ProductService, {
    uploadImage: ({ request }: grpc.ServerUnaryCall<any, any>, respond: Respond) =>
      respond(null, { imageId: `${request.image.length}` }),
    getProductDetail: (_: unknown, respond: Respond) =>
      respond(null, { product: { description: "x".repeat(16 * 1024 * 1024) } }),
  });
  const channel = connect(address, "product");
  t.after(() => channel.close());
  const products = createClient(ProductService, channel);
  const image = new Uint8Array(5 * 1024 * 1024);
  assert.equal((await products.uploadImage({ image }, { timeoutMs: 20_000 })).imageId, `${image.length}`);
  const { product } = await products.getProductDetail({}, { timeoutMs: 20_000 });
  assert.equal(product?.description?.length, 16 * 1024 * 1024);
});
