// How messages are consumed.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SubscriptionSpecSchema } from "@nationalsite/protos/ordersync/v1";
import { MAX_TIMER_MS } from "./backoff.js";

/** Takes lines such as `lease_lapsed message_id=1 topic=T`. `console` and most loggers fit. */
export interface ConsumerLogger {
  /** Broken streams, which are opened anew. */
  info(text: string): void;
  /** Failed handlers, with their errors, lapsed leases, and streams that broke three times in a row or more. */
  warn(text: string, ...details: unknown[]): void;
}

/** Options of a consumer. OrderSyncService in the protos states the limits. */
export interface ConsumerOptions {
  /**
   * Creates the subscription if it does not exist. `{}` creates one with all topics and only new messages.
   * Default: `run` fails with SUBSCRIPTION_NOT_FOUND if the subscription does not exist.
   */
  readonly createIfMissing?: MessageInitShape<typeof SubscriptionSpecSchema>;
  /** The maximum number of messages in flight, 1 to 1,000. As many handlers run concurrently. Default: 10. */
  readonly maxOutstanding?: number;
  /**
   * The time after which the service redelivers the messages of a consumer that died, 10 seconds to 10
   * minutes. The consumer extends it while a handler runs. Default: 1 minute.
   */
  readonly leaseMs?: number;
  /**
   * How long a handler may take. Then its signal is aborted and the lease is no longer extended; the slot is
   * free only when the handler returns. A message that waits longer than this for a slot is released.
   * Default: 10 minutes.
   */
  readonly handlerTimeoutMs?: number;
  /** How long handlers may continue after the consumer was stopped. Default: 25 seconds. */
  readonly stopGraceMs?: number;
  /** Default: warnings go to the console. */
  readonly logger?: ConsumerLogger;
}

export type ResolvedOptions = Required<Omit<ConsumerOptions, "createIfMissing">>;

const LIMITS = {
  maxOutstanding: [1, 1_000],
  leaseMs: [10_000, 600_000],
  handlerTimeoutMs: [1, MAX_TIMER_MS],
  stopGraceMs: [0, MAX_TIMER_MS],
} as const;

/** Returns all options. Throws a RangeError if one is invalid. */
export function resolveOptions(options: ConsumerOptions): ResolvedOptions {
  const resolved = {
    maxOutstanding: options.maxOutstanding ?? 10,
    leaseMs: Math.round(options.leaseMs ?? 60_000),
    handlerTimeoutMs: options.handlerTimeoutMs ?? 600_000,
    stopGraceMs: options.stopGraceMs ?? 25_000,
    logger: options.logger ?? { info: () => {}, warn: console.warn },
  };
  for (const [name, [min, max]] of Object.entries(LIMITS)) {
    const value = resolved[name as keyof typeof LIMITS];
    const isValid = value >= min && value <= max;
    if (!isValid) throw new RangeError(`${name} must be from ${min} to ${max}, not ${value}`);
  }
  return resolved;
}
