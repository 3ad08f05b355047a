// Searches for offers that look like an image: the file in the argument, or examples/image.jpg.
import { readFile } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { connect, createClient, moneyToText } from "@nationalsite/client";
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
for (const { offerId, priceInfo, subjectTrans } of response.offers) {
  const { price, priceRange } = priceInfo ?? {}; // a price that is not one number, such as 125-128, has a text
  const amount = priceRange?.text ?? (price ? moneyToText(price) : "");
  console.log(`${offerId} ${price?.currencyCode ?? ""} ${amount} ${subjectTrans}`);
}
// The page token also stands for the uploaded image.
const nextRequest = { pageToken: response.nextPageToken, pageSize: 3, country: "japan" };
const nextPage = await products.searchByImage(nextRequest, { timeoutMs: 15_000 });
console.log(nextPage.offers.length, "more");
channel.close();
