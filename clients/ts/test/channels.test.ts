import assert from "node:assert/strict";
import { test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { ProductService } from "@nationalsite/protos/product/v1";
import { connect, createClient } from "@nationalsite/client";
import { serve } from "./server.js";

type Answer = grpc.sendUnaryData<any>;

test("reads are repeated as the server lets them, and nothing else is", async (t) => {
  const attempts = { search: 0, detail: 0, upload: 0 };
  const refuse = (pushbackMs: string) => {
    const metadata = new grpc.Metadata();
    metadata.set("grpc-retry-pushback-ms", pushbackMs);
    return { code: grpc.status.UNAVAILABLE, details: "busy", metadata };
  };
  const address = await serve(t, ProductService, {
    searchByKeyword: (_: unknown, answer: Answer) =>
      ++attempts.search < 3 ? answer(refuse("1")) : answer(null, { totalRecords: 7 }),
    getProductDetail: (_: unknown, answer: Answer) => (++attempts.detail, answer(refuse("-1"))),
    uploadImage: (_: unknown, answer: Answer) => (++attempts.upload, answer(refuse("1"))),
  });
  const channel = connect(address, "product");
  t.after(() => channel.close());
  const products = createClient(ProductService, channel);
  assert.equal((await products.searchByKeyword({}, { timeoutMs: 10_000 })).totalRecords, 7);
  await assert.rejects(products.getProductDetail({}, { timeoutMs: 10_000 }), { details: "busy" });
  await assert.rejects(products.uploadImage({}, { timeoutMs: 10_000 }), { details: "busy" });
  assert.deepEqual(attempts, { search: 3, detail: 1, upload: 1 });
});

test("calls are spread over all addresses", async (t) => {
  const calls = [0, 0];
  const addresses = await Promise.all(
    calls.map((_, place) =>
      serve(t, ProductService, {
        getFilterConfig: (_: unknown, answer: Answer) => ((calls[place]! += 1), answer(null, {})),
      }),
    ),
  );
  const channel = connect(`ipv4:${addresses.join()}`, "product");
  t.after(() => channel.close());
  const products = createClient(ProductService, channel);
  while (calls.includes(0)) await products.getFilterConfig({}, { timeoutMs: 10_000 }); // both connected
  const before = [...calls];
  for (let call = 0; call < 10; call++) await products.getFilterConfig({}, { timeoutMs: 10_000 });
  assert.deepEqual(calls, before.map((count) => count + 5));
});

test("pictures of 5 MiB go, and larger answers come", async (t) => {
  const address = await serve(t, ProductService, {
    uploadImage: ({ request }: grpc.ServerUnaryCall<any, any>, answer: Answer) =>
      answer(null, { imageId: `${request.image.length}` }),
    getProductDetail: (_: unknown, answer: Answer) =>
      answer(null, { product: { description: "x".repeat(16 * 1024 * 1024) } }),
  });
  const channel = connect(address, "product");
  t.after(() => channel.close());
  const products = createClient(ProductService, channel);
  const image = new Uint8Array(5 * 1024 * 1024);
  assert.equal((await products.uploadImage({ image }, { timeoutMs: 20_000 })).imageId, `${image.length}`);
  const { product } = await products.getProductDetail({}, { timeoutMs: 20_000 });
  assert.equal(product?.description?.length, 16 * 1024 * 1024);
});
