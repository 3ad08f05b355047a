// A consumer of 1688's messages.
import { once } from "node:events";
import * as grpc from "@grpc/grpc-js";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Retry } from "@nationalsite/protos/errors/v1";
import { OrderSyncService } from "@nationalsite/protos/ordersync/v1";
import { MAX_BACKOFF_MS, backoffMs, pause } from "./backoff.js";
import { type Client, createClient } from "./clients.js";
import { type ConsumerOptions, type ResolvedOptions, resolveOptions } from "./consumer_options.js";
import { type ErrorDetails, parseError } from "./errors.js";
import { type Handler, InFlightMessages } from "./in_flight.js";
import { RequestQueue, type StreamRequest } from "./request_queue.js";

/** Codes with which another stream would fail as well, if the error has no reason that is known here. */
const NON_RETRYABLE = new Set([
  grpc.status.INVALID_ARGUMENT,
  grpc.status.NOT_FOUND, // the subscription does not exist, or was deleted
  grpc.status.FAILED_PRECONDITION,
  grpc.status.UNAUTHENTICATED,
  grpc.status.PERMISSION_DENIED,
  grpc.status.UNIMPLEMENTED,
]);
/** How long the last acknowledgements may take. */
const CLOSE_TIMEOUT_MS = 5_000;
/** From this number of failures in a row, a broken stream is a warning: the service does not just restart. */
const WARN_FAILURES = 3;

/**
 * Calls a handler with each message of a subscription, and acknowledges the message when the handler returns.
 *
 * A message can be delivered more than once, even to two processes at the same time: make the handler
 * idempotent by `messageId`. If the handler throws, the consumer waits, releases the message, and the service
 * redelivers it; after ten deliveries the message is dead-lettered. A broken stream is opened anew with
 * exponential backoff. Handlers continue meanwhile, and their messages are acknowledged on the next stream.
 *
 * A lease can end although the consumer extends it, for example if the service cannot reach its store in
 * time. When the service reports this, the consumer aborts the handler's signal, and neither extends the
 * lease nor acknowledges or releases the message: another consumer may have it now.
 */
export class Consumer {
  readonly #orders: Client<typeof OrderSyncService>;
  readonly #options: ResolvedOptions;
  readonly #openRequest: StreamRequest;
  readonly #requests = new RequestQueue();
  readonly #inFlight: InFlightMessages;
  readonly #stopping = new AbortController();
  /** Aborted when all handlers have ended: only the last acknowledgements are left. */
  readonly #closing = new AbortController();
  /** Aborted when the last acknowledgements have taken too long. */
  readonly #cancelling = new AbortController();
  #isStarted = false;
  /** Streams that failed in a row. */
  #failures = 0;

  /** Throws a RangeError if an option is invalid. The channel is to order sync; close it after `run`. */
  constructor(channel: grpc.Channel, subscription: string, handler: Handler, options: ConsumerOptions = {}) {
    this.#orders = createClient(OrderSyncService, channel);
    this.#options = resolveOptions(options);
    this.#openRequest = buildOpenRequest(subscription, options.createIfMissing, this.#options);
    this.#inFlight = new InFlightMessages(handler, this.#options, this.#requests);
  }

  /**
   * Consumes messages until `stop`, or until the signal is aborted. Then starts no more handlers, waits up to
   * the grace period for those that run, and acknowledges their messages. A consumer runs only once.
   *
   * Throws the grpc.ServiceError if no retry can help, for example if the caller is not authorized or the
   * subscription does not exist, and an Error if handlers do not return.
   */
  async run({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.#isStarted) throw new Error("a Consumer runs only once");
    this.#isStarted = true;
    const stop = () => this.stop();
    signal?.addEventListener("abort", stop);
    try {
      if (!signal?.aborted && !this.#stopping.signal.aborted) await this.#consume();
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Accepts no more messages and lets `run` return. */
  stop(): void {
    this.#stopping.abort();
  }

  async #consume(): Promise<void> {
    const streams = this.#runStreams();
    await Promise.race([streams, once(this.#stopping.signal, "abort")]).catch(() => {}); // thrown below
    const running = await this.#inFlight.finish();
    this.#requests.close();
    this.#closing.abort();
    const timer = setTimeout(() => this.#cancelling.abort(), CLOSE_TIMEOUT_MS);
    await streams.finally(() => clearTimeout(timer));
    if (running) throw new Error(`${running} handlers did not return`);
  }

  /** Opens one stream after the other until the queue is drained. */
  async #runStreams(): Promise<void> {
    while (!this.#requests.isDrained) {
      const startMs = performance.now();
      const error = await this.#runStream();
      if (this.#requests.isDrained || this.#cancelling.signal.aborted) return;
      this.#failures = performance.now() - startMs > MAX_BACKOFF_MS ? 1 : this.#failures + 1;
      if (error) this.#logError(error);
      // If `run` closes the queue meanwhile, the last acknowledgements are sent at once. If that failed, wait.
      const { signal } = this.#closing.signal.aborted ? this.#cancelling : this.#closing;
      await pause(Math.max(error?.retryDelayMs ?? 0, backoffMs(this.#failures)), signal);
    }
  }

  #logError({ code, reasonName, message }: ErrorDetails): void {
    const level = this.#failures >= WARN_FAILURES ? "warn" : "info";
    const status = grpc.status[code];
    this.#options.logger[level](`stream_ended code=${status} reason=${reasonName} message=${message}`);
  }

  /** Opens a stream and reads messages until it ends. Returns the error after which to open another one. */
  async #runStream(): Promise<ErrorDetails | undefined> {
    const { signal } = this.#cancelling;
    let timer: NodeJS.Timeout | undefined;
    try {
      for await (const { response } of this.#orders.streamMessages(this.#readRequests(), { signal })) {
        timer ??= setInterval(() => this.#inFlight.extendLeases(), this.#options.leaseMs / 3);
        this.#failures = 0;
        this.#requests.confirmStream();
        if (response.case === "delivered") {
          for (const received of response.value.receivedMessages) this.#inFlight.submit(received);
        } else if (response.case === "lapsed") {
          this.#inFlight.lapse(response.value.ackIds);
        }
      }
      this.#requests.confirmStream();
      return undefined;
    } catch (error) {
      if (this.#requests.isDrained || signal.aborted) return undefined;
      const details = parseError(error);
      if (!details || !mayReopen(details)) throw error;
      return details;
    } finally {
      clearInterval(timer);
      this.#inFlight.resetLeases();
      this.#requests.endStream();
    }
  }

  async *#readRequests(): AsyncGenerator<StreamRequest, void, undefined> {
    yield this.#openRequest;
    yield* this.#requests.read();
  }
}

function mayReopen({ code, retry }: ErrorDetails): boolean {
  return retry === Retry.UNSPECIFIED ? !NON_RETRYABLE.has(code) : retry !== Retry.NEVER;
}

function buildOpenRequest(
  subscription: string,
  createIfMissing: ConsumerOptions["createIfMissing"],
  { leaseMs, maxOutstanding }: ResolvedOptions,
): StreamRequest {
  const open = { subscription, lease: durationFromMs(leaseMs), maxOutstanding };
  return { request: { case: "open", value: createIfMissing ? { ...open, createIfMissing } : open } };
}
