// Searches for offers that look like an image: the file in the argument, or examples/image.jpg.
import { readFile } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { connect, createClient, formatMoney } from "@nationalsite/client";
import { ProductService, SearchByImageRequestSchema } from "@nationalsite/protos/product/v1";

const path = process.argv[2] ?? new URL("../../image.jpg", import.meta.url);
const channel = connect(process.env.NATIONALSITE_PRODUCT ?? "127.0.0.1:50051", "product");
const products = createClient(ProductService, channel);
const request = create(SearchByImageRequestSchema, {
  imageSource: { case: "image", value: await readFile(path) },
  pageSize: 3,
  country: "japan",
});
const response = await products.searchByImage(request, { timeoutMs: 15_000 });
for (const { offerId, priceInfo, subject } of response.offers) {
  const price = priceInfo?.price;
  console.log(`${offerId} ${price?.currencyCode} ${price && formatMoney(price)} ${subject}`);
}
if (response.imageId) {
  // The id of the uploaded image is enough for the next page.
  const nextRequest = { ...request, imageSource: { case: "imageId", value: response.imageId }, beginPage: 2 } as const;
  const nextPage = await products.searchByImage(nextRequest, { timeoutMs: 15_000 });
  console.log(nextPage.offers.length, "more");
}
channel.close();
