// Makes calls that fail, and handles the errors by their reason.
// [snippet call]
import * as grpc from "@grpc/grpc-js";
import { connect, createClient, formatMoney, parseError } from "@nationalsite/client";
import { ErrorReason } from "@nationalsite/protos/errors/v1";
import { ProductService } from "@nationalsite/protos/product/v1";

const channel = connect(process.env.NATIONALSITE_PRODUCT ?? "127.0.0.1:50051", "product");
const products = createClient(ProductService, channel);
const response = await products.searchByKeyword({ keyword: "dress", country: "japan" }, { timeoutMs: 5_000 });
for (const { offerId, priceInfo, subject } of response.offers.slice(0, 3)) {
  const price = priceInfo?.price;
  console.log(`${offerId} ${price?.currencyCode} ${price && formatMoney(price)} ${subject}`);
}

try {
  await products.getProductDetail({ offerId: 1n }, { timeoutMs: 5_000 });
} catch (error) {
  const details = parseError(error);
  if (details?.reason !== ErrorReason.OFFER_NOT_FOUND) throw error;
  console.log(grpc.status[details.code], details.reasonName); // NOT_FOUND ERROR_REASON_OFFER_NOT_FOUND
}
// [/snippet]

try {
  await products.searchByKeyword({ keyword: "dress", pageSize: 51 }, { timeoutMs: 5_000 });
} catch (error) {
  for (const violation of parseError(error)?.fieldViolations ?? []) {
    console.log(`${violation.field}: ${violation.description}`);
  }
}
channel.close();
