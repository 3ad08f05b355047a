// Searches offers that look like a picture: the file that is named, or the one beside the examples.
import { readFile } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { connect, createClient, decimalOf } from "@nationalsite/client";
import { ProductService, SearchByImageRequestSchema } from "@nationalsite/protos/product/v1";

const picture = process.argv[2] ?? new URL("../../picture.jpg", import.meta.url);
const channel = connect(process.env.NATIONALSITE_PRODUCT ?? "127.0.0.1:50051", "product");
const products = createClient(ProductService, channel);
const first = create(SearchByImageRequestSchema, {
  picture: { case: "image", value: await readFile(picture) },
  pageSize: 3,
  country: "japan",
});
const found = await products.searchByImage(first, { timeoutMs: 15_000 });
for (const { offerId, priceInfo, subject } of found.offers) {
  const price = priceInfo?.price;
  console.log(`${offerId} ${price?.currencyCode} ${price && decimalOf(price)} ${subject}`);
}
if (found.imageId) {
  // The next page needs no second upload.
  const next = { ...first, picture: { case: "imageId", value: found.imageId }, beginPage: 2 } as const;
  const more = await products.searchByImage(next, { timeoutMs: 15_000 });
  console.log(more.offers.length, "more");
}
channel.close();
