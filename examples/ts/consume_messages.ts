// Prints messages about orders until SIGTERM.
// [snippet consume]
import { Consumer, type Handler, connect } from "@nationalsite/client";

/** Handles a message, which may be delivered twice. It is acknowledged when this returns. */
const handle: Handler = ({ topic, payload }) => {
  if (payload.case !== "order") return; // it is about something else, such as a refund
  console.log(`${topic} ${payload.value.cbuOrderId} ${payload.value.currentStatus}`);
};

const channel = connect(process.env.NATIONALSITE_ORDER_SYNC ?? "127.0.0.1:50052", "orderSync");
const options = { createIfMissing: {} }; // all topics, messages from now on
const consumer = new Consumer(channel, "shop", handle, options);
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => consumer.stop());
await consumer.run();
channel.close();
// [/snippet]
