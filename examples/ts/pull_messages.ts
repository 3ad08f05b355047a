// Prints the messages of the last hour.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { connect, createClient } from "@nationalsite/client";
import { OrderSyncService } from "@nationalsite/protos/ordersync/v1";

const channel = connect(process.env.NATIONALSITE_ORDER_SYNC ?? "127.0.0.1:50052", "orderSync");
const orders = createClient(OrderSyncService, channel);

// [snippet pull]
/** Handles some messages, which may be delivered twice, and acknowledges them. */
async function pull(subscription: string): Promise<void> {
  const createIfMissing = { startTime: timestampFromMs(Date.now() - 3_600_000) };
  const request = { subscription, createIfMissing, maxMessages: 10 };
  const { receivedMessages } = await orders.pullMessages(request, { timeoutMs: 20_000 });
  for (const { message } of receivedMessages) {
    const order = message?.payload.case === "order" ? message.payload.value : undefined;
    console.log(`${message?.topic} ${order?.cbuOrderId} ${order?.currentStatus}`);
  }
  const ackIds = receivedMessages.map(({ ackId }) => ackId);
  if (!ackIds.length) return;
  const { lapsedAckIds } = await orders.ackMessages({ subscription, ackIds }, { timeoutMs: 5_000 });
  if (lapsedAckIds.length) console.warn(`${lapsedAckIds.length} messages were redelivered meanwhile`);
}
// [/snippet]

await pull("shop-ts");
channel.close();
