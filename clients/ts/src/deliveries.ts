// Waits for durable deliveries.
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import type { Delivery, OrderSyncService } from "@nationalsite/protos/ordersync/v1";
import type { CallOptions, Client } from "./clients.js";
import { parseError } from "./errors.js";
import { callWithRetries } from "./retries.js";

export interface WaitOptions extends CallOptions {
  /** How long to wait in all. */
  readonly timeoutMs: number;
}

/** The longest `wait` of GetDelivery. */
const MAX_WAIT_MS = 20_000;
/** The service returns a little before the deadline of a call: it does not wait in a call that is shorter. */
const MIN_WAIT_MS = 500;

/**
 * Returns a delivery when it is finished: delivered, dead (see `lastError`) or cancelled.
 *
 * Retries temporary errors. Throws a DOMException with the name TimeoutError if the delivery is not finished
 * within the timeout, and a grpc.ServiceError if no retry can help, for example DELIVERY_NOT_FOUND.
 */
export async function waitForDelivery(
  orders: Pick<Client<typeof OrderSyncService>, "getDelivery">,
  deliveryId: string,
  { timeoutMs, ...options }: WaitOptions,
): Promise<Delivery> {
  const deadlineMs = performance.now() + timeoutMs;
  const text = `delivery ${deliveryId} is not finished after ${timeoutMs} ms`;
  for (let leftMs = timeoutMs; ; leftMs = deadlineMs - performance.now()) {
    const request = { deliveryId, wait: durationFromMs(Math.min(Math.round(leftMs), MAX_WAIT_MS)) };
    const retryOptions = { ...options, timeoutMs: leftMs, maxAttempts: Infinity };
    try {
      const { delivery } = await callWithRetries(orders.getDelivery, request, retryOptions);
      if (delivery?.finishTime) return delivery;
    } catch (error) {
      const details = parseError(error);
      if (!details?.mayRepeat && details?.code !== grpc.status.DEADLINE_EXCEEDED) throw error;
      throw Object.assign(new DOMException(text, "TimeoutError"), { cause: error });
    }
    if (deadlineMs - performance.now() < MIN_WAIT_MS) throw new DOMException(text, "TimeoutError");
  }
}
