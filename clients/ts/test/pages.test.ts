import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  type SearchByImageRequest,
  SearchByImageRequestSchema,
  type SearchByKeywordRequest,
  ProductService,
} from "@nationalsite/protos/product/v1";
import { connect, createClient, iteratePages } from "@nationalsite/client";
import { serve } from "./server.js";

type Request = SearchByImageRequest | SearchByKeywordRequest;

/** Starts a server with three pages. Returns a client, and the requests that the server gets. */
async function servePages(t: TestContext) {
  const requests: Request[] = [];
  const respond = ({ request }: grpc.ServerUnaryCall<Request, any>, send: grpc.sendUnaryData<any>) => {
    requests.push(request);
    send(null, {
      page: requests.length,
      nextPageToken: requests.length < 3 ? `token-${requests.length}` : "",
    });
  };
  const address = await serve(t, ProductService, { searchByKeyword: respond, searchByImage: respond });
  const channel = connect(address, "product");
  t.after(() => channel.close());
  return { products: createClient(ProductService, channel), requests };
}

test("pages are requested by their tokens, and only if they are wanted", async (t) => {
  const { products, requests } = await servePages(t);
  const request = { keyword: "dress", page: 1, filters: ["shipInToday"] };
  const pages = [];
  for await (const { page } of iteratePages(products.searchByKeyword, request, { timeoutMs: 10_000 }))
    pages.push(page);
  assert.deepEqual(pages, [1, 2, 3]);
  assert.deepEqual(request, { keyword: "dress", page: 1, filters: ["shipInToday"] });
  assert.deepEqual(
    requests.map(({ pageToken, page, filters }) => [pageToken, page, filters]),
    [
      ["", 1, ["shipInToday"]],
      ["token-1", 0, ["shipInToday"]],
      ["token-2", 0, ["shipInToday"]],
    ],
  );
  requests.length = 0;
  for await (const _ of iteratePages(products.searchByKeyword, request, { timeoutMs: 10_000 })) break;
  assert.equal(requests.length, 1);
});

test("an image is sent once, its id and its address each time", async (t) => {
  const { products, requests } = await servePages(t);
  const sources = [
    { case: "image", value: Uint8Array.of(0xff, 0xd8) },
    { case: "imageAddress", value: "https://cbu01.alicdn.com/1.jpg" },
  ] as const;
  for (const imageSource of sources) {
    requests.length = 0;
    const request = create(SearchByImageRequestSchema, { imageSource });
    for await (const _ of iteratePages(products.searchByImage, request, { timeoutMs: 10_000 })) continue;
    assert.deepEqual(request, create(SearchByImageRequestSchema, { imageSource }));
    const isSentOnce = imageSource.case === "image";
    assert.deepEqual(
      requests.map((each) => (each as SearchByImageRequest).imageSource.case),
      [
        imageSource.case,
        isSentOnce ? undefined : imageSource.case,
        isSentOnce ? undefined : imageSource.case,
      ],
    );
  }
});

test("an error of a page is thrown", async (t) => {
  const address = await serve(t, ProductService, {
    searchByKeyword: (_: unknown, respond: grpc.sendUnaryData<any>) =>
      respond({ code: grpc.status.NOT_FOUND, details: "gone" }),
  });
  const channel = connect(address, "product");
  t.after(() => channel.close());
  const pages = iteratePages(
    createClient(ProductService, channel).searchByKeyword,
    {},
    { timeoutMs: 10_000 },
  );
  await assert.rejects(pages.next(), { details: "gone" });
});
