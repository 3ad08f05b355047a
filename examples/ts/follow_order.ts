// After each message reads the purchase order and its shipments, and syncs them, until SIGTERM.
import { enumToJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Consumer, connect, createClient } from "@nationalsite/client";
import {
  DownstreamLogisticsStatus,
  DownstreamOrderStatus,
  type Message,
  OrderSyncService,
  type PurchaseOrder,
  PurchaseOrderState,
  PurchaseOrderStateSchema,
  type Shipment,
} from "@nationalsite/protos/ordersync/v1";

const topics = [
  "ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS",
  "ORDER_BUYER_VIEW_ORDER_SUCCESS",
  "ORDER_BUYER_VIEW_ORDER_SELLER_CLOSE",
];
const statuses = new Map([
  [PurchaseOrderState.SUCCESS, DownstreamOrderStatus.SUCCESS],
  [PurchaseOrderState.CANCELLED, DownstreamOrderStatus.CLOSED],
]);
const options = { timeoutMs: 10_000 };

const channel = connect(process.env.NATIONALSITE_ORDER_SYNC ?? "127.0.0.1:50052", "orderSync");
const orders = createClient(OrderSyncService, channel);

/** Syncs what an order is now: a message is only a hint, and can come twice. */
async function follow(message: Message): Promise<void> {
  const cbuOrderId = message.payload.case === "order" ? message.payload.value.cbuOrderId : undefined;
  if (!cbuOrderId) return;
  const { purchaseOrder: order } = await orders.getPurchaseOrder({ cbuOrderId }, options);
  if (!order?.outOrderId) return; // the site did not create it
  const { shipments } = await orders.listShipments({ cbuOrderId }, options);
  for (const shipment of shipments) await syncShipment(order, shipment);
  const payStatus = statuses.get(order.state);
  if (payStatus !== undefined) {
    const orderStatus = { nationalOrderId: order.outOrderId, payStatus, endTime: order.endTime };
    await orders.syncOrderStatus({ orderStatus }, options);
  }
  console.log(order.outOrderId, enumToJson(PurchaseOrderStateSchema, order.state), shipments.length);
}

/** Syncs a shipment that goes to the buyer as it is. */
async function syncShipment(order: PurchaseOrder, shipment: Shipment): Promise<void> {
  const logisticsOrder = {
    nationalOrderId: order.outOrderId ?? "",
    logisticsId: shipment.cbuLogisticsId ?? "",
    createTime: order.allShippedTime ?? order.updateTime,
    logisticsStatus: DownstreamLogisticsStatus.SENT,
    province: "東京都", // the buyer's address, from the site's database
    city: "渋谷区",
    area: "神南",
    address: "東京都渋谷区神南1-2-3",
  };
  await orders.syncLogisticsOrder({ logisticsOrder }, options);
}

const createIfMissing = { topics, startTime: timestampFromMs(Date.now() - 3_600_000) };
const consumer = new Consumer(channel, "follow-ts", follow, { createIfMissing });
process.once("SIGTERM", () => consumer.stop());
await consumer.run();
channel.close();
