// Makes calls that fail, and handles the errors by their reason.
import * as grpc from "@grpc/grpc-js";
import { connect, createClient, parseError } from "@nationalsite/client";
import { ErrorReason } from "@nationalsite/protos/errors/v1";
import { ProductService } from "@nationalsite/protos/product/v1";

const channel = connect(process.env.NATIONALSITE_PRODUCT ?? "127.0.0.1:50051", "product");
const products = createClient(ProductService, channel);

// [snippet handle]
try {
  await products.getProductDetail({ offerId: 1n }, { timeoutMs: 5_000 });
} catch (error) {
  const details = parseError(error);
  if (details?.reason !== ErrorReason.OFFER_NOT_FOUND) throw error;
  console.log(grpc.status[details.code], details.reasonName); // NOT_FOUND ERROR_REASON_OFFER_NOT_FOUND
}

try {
  await products.searchByKeyword({ keyword: "dress", pageSize: -1 }, { timeoutMs: 5_000 });
} catch (error) {
  for (const { field, description } of parseError(error)?.fieldViolations ?? []) {
    console.log(`${field}: ${description}`);
  }
}
// [/snippet]
channel.close();
