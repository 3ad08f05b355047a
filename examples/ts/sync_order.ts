// Syncs an order to 1688 with a direct call, and its purchase order with a durable delivery.
import { randomUUID } from "node:crypto";
import { enumToJson } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { type Client, connect, createClient, parseMoney, waitForDelivery } from "@nationalsite/client";
import {
  DeliveryStateSchema,
  DownstreamOrderStatus,
  DownstreamRefundStatus,
  OrderSyncService,
} from "@nationalsite/protos/ordersync/v1";

/** Syncs an order. The request id makes the call safe to retry if its outcome is unknown. */
async function syncOrder(orders: Client<typeof OrderSyncService>): Promise<void> {
  const now = timestampNow();
  const paidFee = parseMoney("3.14");
  const subOrder = {
    nationalSubOrderId: "4590347523948375",
    refundStatus: DownstreamRefundStatus.NOT_REFUNDED,
    offerId: 620201390233n,
    productName: "夏季新款碎花连衣裙女",
    skuId: 5104790281451n,
    skuName: "绿色;均码",
    buyAmount: 2n,
    paidFee,
  };
  const order = {
    nationalOrderId: "4590347523948370",
    createTime: now,
    payTime: now,
    payStatus: DownstreamOrderStatus.PAID,
    outMemberId: "1212113",
    paidFee,
    subOrders: [subOrder],
  };
  await orders.syncOrder({ requestId: randomUUID(), order }, { timeoutMs: 10_000 });
  console.log("synced", order.nationalOrderId);
}

/** Syncs the relation to its purchase order. The delivery survives outages and restarts. */
async function enqueueRelation(orders: Client<typeof OrderSyncService>): Promise<void> {
  // [snippet enqueue]
  const relation = {
    nationalOrderId: "4590347523948370",
    nationalSubOrderId: "4590347523948375",
    cbuOrderId: 3209572465452730n,
    cbuOrderEntryId: 3209572465452734n,
  };
  const requestId = randomUUID(); // store it: a retry with it returns the same delivery
  const { delivery } = await orders.enqueueSync(
    { requestId, sync: { case: "relations", value: { relations: [relation] } } },
    { timeoutMs: 5_000 },
  );
  const finished = await waitForDelivery(orders, delivery?.deliveryId ?? "", { timeoutMs: 60_000 });
  console.log(enumToJson(DeliveryStateSchema, finished.state), finished.attempts); // DELIVERY_STATE_DELIVERED 1
  // [/snippet]
}

const channel = connect(process.env.NATIONALSITE_ORDER_SYNC ?? "127.0.0.1:50052", "orderSync");
const orders = createClient(OrderSyncService, channel);
await syncOrder(orders);
await enqueueRelation(orders);
channel.close();
