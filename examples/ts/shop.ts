// What a shop does, from a search by image to a refund. The sandbox is 1688, the seller and the carrier.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as client from "@nationalsite/client";
import { AccountService } from "@nationalsite/protos/account/v1";
import { ErrorReason } from "@nationalsite/protos/errors/v1";
import * as protos from "@nationalsite/protos/ordersync/v1";
import { ProductService } from "@nationalsite/protos/product/v1";

const address = (name: string, port: number) => process.env[`NATIONALSITE_${name}`] ?? `127.0.0.1:${port}`;
const products = client.createClient(ProductService, client.connect(address("PRODUCT", 50051), "product"));
const accounts = client.createClient(AccountService, client.connect(address("ACCOUNT", 50053), "account"));
const channel = client.connect(address("ORDER_SYNC", 50052), "orderSync");
const orders = client.createClient(protos.OrderSyncService, channel);
const options = { timeoutMs: 15_000 };
const url = `${process.env.NATIONALSITE_SANDBOX ?? "http://127.0.0.1:8168"}/admin/`;
const toJson = (value: object) => new Blob([JSON.stringify(value)], { type: "application/json" });
const admin = (path: string, body = {}) => fetch(url + path, { method: "POST", body: toJson(body) });

// Search by an image up to the third page, and print the prices of an offer.
const image = await readFile(new URL("../../image.jpg", import.meta.url));
const search = { imageSource: { case: "image", value: image }, pageSize: 5, country: "japan" } as const;
let offerId = 0n;
for await (const { page, offers } of client.iteratePages(products.searchByImage, search, options)) {
  offerId = offers[0]!.offerId!;
  console.log(`page ${page} begins with ${offerId}`);
  if (page === 3) break;
}
const { product } = await products.getProductDetail({ offerId, country: "japan" }, options);
for (const { skuId, price, skuAttributes } of product!.productSkuInfos) {
  console.log(`SKU ${skuId} ${client.moneyToText(price!)} ${skuAttributes.map((each) => each.valueTrans)}`);
}

// Register a buyer, twice.
const buyer = { outLoginName: "taro", outMemberId: "t1", email: "t@example.com", mobile: "+81 90 1234 5678" };
const countryAccount = { ...buyer, country: "japan", site: "sniff", mobileArea: "JP", ip: "203.0.113.7" };
for (const requestId of [randomUUID(), randomUUID()]) {
  try {
    await accounts.registerUser({ requestId, countryAccount }, options);
    console.log("registered");
  } catch (error) {
    if (client.parseError(error)?.reason !== ErrorReason.ACCOUNT_EXISTS) throw error;
    console.log("registered already");
  }
}

// Sync an order, then its new status, then which entries of a purchase order were bought for it.
const cbuOrderId = BigInt(/\d{19}/.exec(await (await admin("orders")).text())![0]);
const { purchaseOrder } = await orders.getPurchaseOrder({ cbuOrderId }, options);
const { createTime: now, totalAmount: paidFee, entries } = purchaseOrder!;
const [nationalOrderId, nationalSubOrderId] = ["1001", "10011"];
const { PAID, SUCCESS } = protos.DownstreamOrderStatus;
const { NOT_REFUNDED: refundStatus } = protos.DownstreamRefundStatus;
const item = { offerId: 620201390233n, productName: "连衣裙", skuId: 5104790281451n, skuName: "红色;S" };
const subOrder = { nationalSubOrderId, refundStatus, ...item, buyAmount: 4n, paidFee };
const order = { nationalOrderId, outMemberId: "t1", createTime: now, payTime: now, payStatus: PAID, paidFee };
await orders.syncOrder({ order: { ...order, subOrders: [subOrder] } }, options);
await orders.syncOrderStatus({ orderStatus: { nationalOrderId, payStatus: SUCCESS, endTime: now } }, options);
const ids = { nationalOrderId, nationalSubOrderId, cbuOrderId };
const relations = entries.map(({ cbuOrderEntryId = 0n }) => ({ ...ids, cbuOrderEntryId }));
await admin("faults", { operation: "order.relation.write", fault: { gateway_error: "gw.APIACLDecline" } });
const results = client.pairResults({ relations }, await orders.writeOrderRelations({ relations }, options));
for (const { relation, error } of results) console.log(relation.cbuOrderEntryId, error?.reasonName ?? "OK");

// Consume messages for a minute. Before that, the order is paid, shipped and received.
for (const step of ["pay", "ship", "receive"]) await admin(`orders/${cbuOrderId}/${step}`);
const print: client.Handler = ({ topic }) => console.log(topic);
const consumer = new client.Consumer(channel, "shop-ts", print, { createIfMissing: { startTime: now } });
await consumer.run({ signal: AbortSignal.timeout(1_000 * Number(process.argv[2] ?? 60)) });

// Request a refund with a voucher.
const goodsStatus = protos.GoodsStatus.REFUND_BUYER_RECEIVED;
const goods = { cbuOrderId, cbuOrderEntryIds: [relations[0]!.cbuOrderEntryId], goodsStatus };
const { reasons } = await orders.listRefundReasons(goods, options);
const { voucherUrl } = await orders.uploadRefundVoucher({ image }, options);
const applyReasonId = reasons.find(({ needVoucher }) => needVoucher)!.reasonId!;
const amounts = { applyPayment: client.parseMoney("10.50"), applyCarriage: client.parseMoney("0") };
const dispute = { disputeRequest: protos.DisputeKind.RETURN_REFUND, applyReasonId, description: "too small" };
const refund = { requestId: randomUUID(), ...goods, ...amounts, ...dispute, vouchers: [voucherUrl] };
console.log(`refund ${(await orders.createRefund(refund, options)).refundId}`);

// Enqueue a delivery and wait for its end.
const sync = { case: "relations", value: { relations } } as const;
const { delivery } = await orders.enqueueSync({ requestId: randomUUID(), sync }, options);
const { state, attempts } = await client.waitForDelivery(orders, delivery!.deliveryId, { timeoutMs: 60_000 });
console.log(`${protos.DeliveryState[state]} ${attempts}`);

// Handle errors: one that retries overcome, and one after which only 1688 knows what happened.
await admin("faults", { operation: "product.search.keywordQuery", times: 3, fault: { status: 503 } });
const found = await client.callWithRetries(products.searchByKeyword, { keyword: "dress" }, options);
console.log(`found ${found.totalSize}`);
await admin("faults", { operation: "alibaba.alipay.url.get", fault: { drop: "after_request" } });
await client
  .callWithRetries(orders.createAlipayUrl, { requestId: randomUUID(), cbuOrderIds: [cbuOrderId] }, options)
  .catch((error) => console.log(client.parseError(error)?.reasonName)); // 1688 may have made the link
