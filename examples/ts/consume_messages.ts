// Prints messages about orders until SIGTERM.
// [snippet consume]
import { Consumer, type Handler, connect } from "@nationalsite/client";

/** Handles a message, which may be delivered twice. It is acknowledged when this returns. */
const handle: Handler = ({ topic, payload }) => {
  const order = payload.case === "order" ? payload.value : undefined;
  console.log(`${topic} ${order?.cbuOrderId} ${order?.currentStatus}`);
};

const channel = connect(process.env.NATIONALSITE_ORDER_SYNC ?? "127.0.0.1:50052", "orderSync");
const options = { createIfMissing: {} }; // all topics, messages from now on
const consumer = new Consumer(channel, "shop", handle, options);
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => consumer.stop());
await consumer.run();
channel.close();
// [/snippet]
