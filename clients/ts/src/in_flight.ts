// The messages that a consumer works on, each with its handler.
import { setMaxListeners } from "node:events";
import type { Message, ReceivedMessage } from "@nationalsite/protos/ordersync/v1";
import { backoffMs, isSettledWithin, pause } from "./backoff.js";
import type { ResolvedOptions } from "./consumer_options.js";
import type { RequestQueue } from "./request_queue.js";

/** What a handler gets besides the message. */
export interface HandlerContext {
  /**
   * Aborted when the handler has run for `handlerTimeoutMs` (the reason is a TimeoutError), when the grace
   * period of a stopped consumer ends (an AbortError), or when the lease has lapsed (a LeaseLapsedError).
   */
  readonly signal: AbortSignal;
  /** This delivery: its number (`deliveryAttempt`), and the end of its lease before that is extended. */
  readonly received: ReceivedMessage;
}

/** Handles a message: it is acknowledged when this returns, and released if this throws or rejects. */
export type Handler = (message: Message, context: HandlerContext) => Promise<void> | void;

/** Why a handler's signal is aborted if the service has reported that the lease of its message had ended. */
export class LeaseLapsedError extends Error {
  override readonly name = "LeaseLapsedError";

  constructor() {
    super("the lease of the message has lapsed");
  }
}

/**
 * A message that a handler works on, or that waits until another handler returns. The service delivers at
 * most `maxOutstanding` messages at a time, but it does not know of handlers whose lease has ended.
 */
interface InFlightMessage {
  readonly content: Message;
  /** The last delivery. */
  received: ReceivedMessage;
  /** Whether the current stream holds the lease. */
  isLeased: boolean;
  /** Whether the service has reported that the lease had ended. */
  isLapsed: boolean;
  /** When the consumer stops extending the lease (performance.now()). A handler may run longer. */
  extendUntilMs: number;
  /** Aborts the handler. Undefined if no handler runs. */
  handler: AbortController | undefined;
}

/** How long handlers may take to return after their signal was aborted. */
const ABORT_TIMEOUT_MS = 5_000;
/** Handled messages to remember, in case their acknowledgements were lost: twice the most in flight. */
const MAX_REMEMBERED_IDS = 2_000;

/** Runs one handler for each message, acknowledges the message afterwards, or releases it on failure. */
export class InFlightMessages {
  readonly #handler: Handler;
  readonly #options: ResolvedOptions;
  readonly #requests: RequestQueue;
  /** By message id. */
  readonly #messages = new Map<string, InFlightMessage>();
  /** Those of #messages that have no handler yet, the oldest first. */
  #waiting: InFlightMessage[] = [];
  /** One for each message that has a handler. */
  readonly #processes = new Set<Promise<void>>();
  /** Message id to the ack id of the last delivery, in the order in which the messages were handled. */
  readonly #handled = new Map<string, string>();
  readonly #closing = new AbortController();

  constructor(handler: Handler, options: ResolvedOptions, requests: RequestQueue) {
    this.#handler = handler;
    this.#options = options;
    this.#requests = requests;
    setMaxListeners(0, this.#closing.signal); // one for each failed message
  }

  /** Forgets the leases of a stream that has ended: the service may deliver its messages again. */
  resetLeases(): void {
    for (const message of this.#messages.values()) message.isLeased = false;
    this.#dropWaiting(() => true);
  }

  /**
   * Starts a handler, if necessary after another one has returned.
   *
   * A redelivered message gets no second handler: if it is in flight, the new lease replaces the old one; if
   * it was handled, it is acknowledged again.
   */
  submit(received: ReceivedMessage): void {
    const { ackId, message: content } = received;
    if (!content) return; // the service sets it
    const message = this.#messages.get(content.messageId);
    if (this.#handled.has(content.messageId)) {
      this.#handled.set(content.messageId, ackId);
      this.#requests.ack(ackId);
    } else if (message) {
      Object.assign(message, { received, isLeased: true, isLapsed: false });
    } else if (!this.#closing.signal.aborted) {
      // Otherwise the service redelivers it when the stream ends.
      const extendUntilMs = performance.now() + this.#options.handlerTimeoutMs;
      const added = { content, received, isLeased: true, isLapsed: false, extendUntilMs, handler: undefined };
      this.#messages.set(content.messageId, added);
      this.#waiting.push(added);
      this.#startHandlers();
    }
  }

  /** Ends the work on messages whose leases the service has reported as ended. */
  lapse(ackIds: readonly string[]): void {
    const lapsed = new Set(ackIds);
    for (const message of this.#messages.values()) {
      if (!lapsed.has(message.received.ackId)) continue;
      message.isLeased = false;
      message.isLapsed = true;
      if (message.handler && !message.handler.signal.aborted) {
        message.handler.abort(new LeaseLapsedError());
        this.#warn("lease_lapsed", message);
      }
    }
    this.#dropWaiting((message) => message.isLapsed);
    for (const [messageId, ackId] of this.#handled) {
      if (lapsed.has(ackId)) this.#options.logger.warn(`ack_lapsed message_id=${messageId}`);
    }
  }

  /** Extends all leases. Releases messages that have waited for too long. */
  extendLeases(): void {
    const now = performance.now();
    this.#dropWaiting((message) => message.extendUntilMs < now);
    const extended = [...this.#messages.values()].filter(({ extendUntilMs }) => extendUntilMs > now);
    this.#setLease(extended, this.#options.leaseMs);
  }

  /**
   * Accepts no more messages, waits for handlers up to the grace period, then aborts them. Returns how many
   * handlers did not return.
   */
  async finish(): Promise<number> {
    this.#closing.abort();
    this.#dropWaiting(() => true);
    if (!(await this.#isFinishedWithin(this.#options.stopGraceMs))) {
      for (const { handler } of this.#messages.values()) handler?.abort();
      await this.#isFinishedWithin(ABORT_TIMEOUT_MS);
    }
    return this.#messages.size;
  }

  #isFinishedWithin(timeoutMs: number): Promise<boolean> {
    return isSettledWithin(Promise.all(this.#processes), timeoutMs);
  }

  /** Starts handlers for messages that wait, up to `maxOutstanding`. */
  #startHandlers(): void {
    while (this.#processes.size < this.#options.maxOutstanding) {
      const message = this.#waiting.shift();
      if (!message) return;
      const process = this.#process(message).finally(() => {
        this.#processes.delete(process);
        this.#startHandlers();
      });
      this.#processes.add(process);
    }
  }

  /** Releases messages that wait. */
  #dropWaiting(isDropped: (message: InFlightMessage) => boolean): void {
    const dropped = this.#waiting.filter(isDropped);
    if (!dropped.length) return;
    this.#waiting = this.#waiting.filter((message) => !isDropped(message));
    for (const { content } of dropped) this.#messages.delete(content.messageId);
    this.#setLease(dropped, 0);
  }

  /** Changes the leases of those messages that the current stream holds. */
  #setLease(messages: readonly InFlightMessage[], leaseMs: number): void {
    const leased = messages.filter(({ isLeased }) => isLeased);
    const ackIds = leased.map(({ received }) => received.ackId);
    this.#requests.setLease(ackIds, leaseMs);
  }

  async #process(message: InFlightMessage): Promise<void> {
    const isHandled = await this.#callHandler(message);
    if (isHandled) this.#remember(message);
    else await this.#delayRelease(message);
    this.#messages.delete(message.content.messageId);
    if (isHandled && !message.isLapsed) this.#requests.ack(message.received.ackId);
    if (!isHandled) this.#setLease([message], 0);
  }

  /** Returns whether the handler has handled the message. */
  async #callHandler(message: InFlightMessage): Promise<boolean> {
    const { handlerTimeoutMs } = this.#options;
    const controller = new AbortController();
    const onTimeout = () => controller.abort(new DOMException("the handler has timed out", "TimeoutError"));
    const timer = setTimeout(onTimeout, handlerTimeoutMs);
    message.extendUntilMs = performance.now() + handlerTimeoutMs;
    message.handler = controller;
    const { content, received } = message;
    try {
      await this.#handler(content, { signal: controller.signal, received });
      return true;
    } catch (error) {
      const isLapsed = controller.signal.reason instanceof LeaseLapsedError;
      if (!isLapsed) this.#warn("handler_failed", message, error);
      return false;
    } finally {
      clearTimeout(timer);
      message.handler = undefined;
    }
  }

  /**
   * Waits before a failed message is released. The service redelivers a released message at once, and
   * dead-letters it after ten deliveries.
   */
  async #delayRelease(message: InFlightMessage): Promise<void> {
    const delayMs = backoffMs(message.received.deliveryAttempt);
    message.extendUntilMs = performance.now() + delayMs;
    await pause(delayMs, this.#closing.signal);
  }

  #remember({ content, received }: InFlightMessage): void {
    this.#handled.set(content.messageId, received.ackId);
    for (const messageId of this.#handled.keys()) {
      if (this.#handled.size <= MAX_REMEMBERED_IDS) return;
      this.#handled.delete(messageId);
    }
  }

  #warn(event: string, { content }: InFlightMessage, ...details: unknown[]): void {
    const text = `${event} message_id=${content.messageId} topic=${content.topic}`;
    this.#options.logger.warn(text, ...details);
  }
}
