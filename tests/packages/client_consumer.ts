// What a user of @nationalsite/client writes; compiled with --strict, and run.
import {
  Consumer,
  LeaseLapsedError,
  callWithRetries,
  connect,
  createClient,
  iteratePages,
  moneyToText,
  pairResults,
  parseError,
  parseMoney,
  waitForDelivery,
} from "@nationalsite/client";
import { OrderSyncService } from "@nationalsite/protos/ordersync/v1";
import { ProductService } from "@nationalsite/protos/product/v1";

const channel = connect("127.0.0.1:1", "orderSync");
const orders = createClient(OrderSyncService, channel);
const products = createClient(ProductService, channel);

/** Never called: the types of the calls matter. */
export async function call(): Promise<string> {
  const detail = await callWithRetries(products.getProductDetail, { offerId: 1n }, { timeoutMs: 1_000 });
  for await (const { offers } of iteratePages(products.searchByKeyword, { keyword: "dress" })) {
    if (offers[0]?.offerId === detail.product?.offerId) break;
  }
  const search = (request: { keyword: string }) =>
    callWithRetries(products.searchByKeyword, request, { timeoutMs: 1_000 });
  const pages = iteratePages(search, { keyword: "dress" });
  const first = await pages.next();
  const relations = [{ nationalOrderId: "1", cbuOrderId: 1n }];
  const results = pairResults({ relations }, await orders.writeOrderRelations({ relations }));
  const { state } = await waitForDelivery(orders, "1", { timeoutMs: 1_000 });
  return `${first.value?.totalSize} ${results[0]?.relation.cbuOrderId} ${results[0]?.error?.mayRepeat} ${state}`;
}

// @ts-expect-error: a list or a search has pages, a read of one object has none
export const noPages = () => iteratePages(products.getProductDetail, { offerId: 1n });

const consumer = new Consumer(
  channel,
  "shop",
  async ({ messageId }, { signal, received }) => {
    if (signal.reason instanceof LeaseLapsedError) return;
    console.log(messageId, received.deliveryAttempt);
  },
  { createIfMissing: { topics: ["ORDER_BUYER_VIEW_ORDER_PAY"] }, maxOutstanding: 5 },
);
consumer.stop();
await consumer.run();
console.log(moneyToText(parseMoney("41.1")), parseError(new Error("not from a call")));
channel.close();
