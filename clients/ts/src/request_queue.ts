// The requests that a consumer has still to send on its stream.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { StreamMessagesRequestSchema } from "@nationalsite/protos/ordersync/v1";

export type StreamRequest = MessageInitShape<typeof StreamMessagesRequestSchema>;

const MAX_IDS_PER_REQUEST = 1000;

/**
 * Unsent acknowledgements are sent on the next stream. Lease changes end with their stream.
 *
 * grpc-js takes requests before it has a connection, and drops them if it gets none. So acknowledgements are
 * sent again if their stream ends without a response.
 */
export class RequestQueue {
  #ackIds: string[] = [];
  /** Those that were sent on a stream that has had no response yet. */
  #unconfirmedAckIds: string[] = [];
  #isConfirmed = false;
  /** Ack ids to the new times of their leases. A later change replaces one that was not sent. */
  readonly #leasesMs = new Map<string, number>();
  #isClosed = false;
  /** Which stream may read. */
  #stream = 0;
  #wakeReader = () => {};

  /** Acknowledges a message, on this stream or the next one. */
  ack(ackId: string): void {
    this.#ackIds.push(ackId);
    this.#wakeReader();
  }

  /** Makes leases of this stream end after the given time. 0 releases the messages. */
  setLease(ackIds: Iterable<string>, leaseMs: number): void {
    for (const ackId of ackIds) this.#leasesMs.set(ackId, leaseMs);
    this.#wakeReader();
  }

  /** Says that there is a response on the stream. */
  confirmStream(): void {
    this.#isConfirmed = true;
    this.#unconfirmedAckIds = [];
  }

  /** Ends the requests of a stream that has ended, and drops its lease changes. */
  endStream(): void {
    this.#stream += 1;
    this.#isConfirmed = false;
    this.#ackIds = [...this.#unconfirmedAckIds, ...this.#ackIds];
    this.#unconfirmedAckIds = [];
    this.#leasesMs.clear();
    this.#wakeReader();
  }

  /** Accepts no more requests; the queued ones are still sent. */
  close(): void {
    this.#isClosed = true;
    this.#wakeReader();
  }

  /** Whether the queue is closed and all acknowledgements have been sent. */
  get isDrained(): boolean {
    return this.#isClosed && !this.#ackIds.length && !this.#unconfirmedAckIds.length;
  }

  /** Yields the requests of a stream, until the stream has ended or the queue is closed and empty. */
  async *read(): AsyncGenerator<StreamRequest, void, undefined> {
    const stream = this.#stream;
    while (stream === this.#stream) {
      const request = this.#takeRequest();
      if (request) yield request;
      else if (this.#isClosed) return;
      else await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    }
  }

  #takeRequest(): StreamRequest | undefined {
    if (this.#ackIds.length) {
      const ackIds = this.#ackIds.splice(0, MAX_IDS_PER_REQUEST);
      if (!this.#isConfirmed) this.#unconfirmedAckIds.push(...ackIds);
      return { request: { case: "ack", value: { ackIds } } };
    }
    const [first] = this.#leasesMs.values();
    if (first === undefined) return undefined;
    const ackIds = [...this.#leasesMs.keys()]
      .filter((ackId) => this.#leasesMs.get(ackId) === first)
      .slice(0, MAX_IDS_PER_REQUEST);
    for (const ackId of ackIds) this.#leasesMs.delete(ackId);
    return { request: { case: "setLease", value: { ackIds, lease: durationFromMs(first) } } };
  }
}
