// Stores events of orders in a database, each message once, until SIGTERM.
import { Consumer, type Handler, connect } from "@nationalsite/client";
import sqlite from "node-sqlite3-wasm";

// [snippet once]
const database = new sqlite.Database(process.argv[2]); // without a path, it is in memory
database.exec("CREATE TABLE IF NOT EXISTS handled_messages (message_id TEXT PRIMARY KEY)");
database.exec("CREATE TABLE IF NOT EXISTS order_events (cbu_order_id INTEGER, topic TEXT)");

/**
 * Stores what a message says, and that it was handled, in one transaction. An error undoes both. It does not
 * await, so no other handler takes part in its transaction.
 */
const handle: Handler = ({ messageId, topic, payload }) => {
  if (payload.case !== "order") return; // it is about something else, such as a refund
  const orderId = payload.value.cbuOrderId ?? null; // null: 1688 did not send it
  database.exec("BEGIN");
  try {
    const remember = "INSERT INTO handled_messages VALUES (?) ON CONFLICT DO NOTHING";
    if (database.run(remember, messageId).changes) {
      // Otherwise it was handled before, and its acknowledgement was lost.
      database.run("INSERT INTO order_events VALUES (?, ?)", [orderId, topic]);
      console.log(`${topic} ${orderId}`);
    }
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
};
// [/snippet]

const channel = connect(process.env.NATIONALSITE_ORDER_SYNC ?? "127.0.0.1:50052", "orderSync");
const consumer = new Consumer(channel, "shop-once", handle, { createIfMissing: {} });
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => consumer.stop());
await consumer.run();
channel.close();
database.close();
