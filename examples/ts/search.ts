// Searches for offers, and handles an error by its reason.
import { connect, createClient, moneyToText, parseError } from "@nationalsite/client";
import { ErrorReason } from "@nationalsite/protos/errors/v1";
import { ProductService } from "@nationalsite/protos/product/v1";

const channel = connect(process.env.NATIONALSITE_PRODUCT ?? "127.0.0.1:50051", "product");
const products = createClient(ProductService, channel);

// [snippet search]
/** Prints offers, or the request fields that are invalid. */
async function search(keyword: string): Promise<void> {
  try {
    const request = { keyword, pageSize: 3, country: "japan" };
    const { offers } = await products.searchByKeyword(request, { timeoutMs: 5_000 });
    for (const { offerId, priceInfo, subjectTrans } of offers) {
      const { price, priceRange } = priceInfo ?? {}; // a price that is not one number, such as 125-128, has a text
      const amount = priceRange?.text ?? (price ? moneyToText(price) : "");
      console.log(`${offerId} ${price?.currencyCode ?? ""} ${amount} ${subjectTrans}`);
    }
  } catch (error) {
    const details = parseError(error);
    if (details?.reason !== ErrorReason.INVALID_REQUEST) throw error;
    for (const { field, description } of details.fieldViolations) console.log(`${field}: ${description}`);
  }
}
// [/snippet]

await search("dress");
await search("dress".repeat(101)); // keyword: ...
channel.close();
