package nationalsite.client;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import nationalsite.ordersync.v1.StreamMessagesRequest;

/**
 * The requests that a consumer has still to send on its stream. Acknowledgements that were not sent are sent
 * on the next stream. Lease changes end with their stream. Used by the thread of the consumer only.
 */
final class RequestQueue {
  private static final int MAX_IDS_PER_REQUEST = 1000;

  private final Runnable onChange;
  private final Deque<String> acks = new ArrayDeque<>();
  private final Deque<StreamMessagesRequest> leases = new ArrayDeque<>();
  private boolean closed;

  /**
   * Creates an empty queue.
   *
   * @param onChange called after each request
   */
  RequestQueue(Runnable onChange) {
    this.onChange = onChange;
  }

  /** Acknowledges a message, on this stream or the next one. */
  void ack(String ackId) {
    if (!closed) {
      acks.add(ackId);
      onChange.run();
    }
  }

  /** Makes leases of this stream end after a time. Zero releases the messages. */
  void setLease(List<String> ackIds, Duration lease) {
    if (closed || ackIds.isEmpty()) {
      return;
    }
    for (var start = 0; start < ackIds.size(); start += MAX_IDS_PER_REQUEST) {
      var batch = ackIds.subList(start, Math.min(start + MAX_IDS_PER_REQUEST, ackIds.size()));
      var setLease =
          StreamMessagesRequest.SetLease.newBuilder().addAllAckIds(batch).setLease(Times.toProto(lease));
      leases.add(StreamMessagesRequest.newBuilder().setSetLease(setLease).build());
    }
    onChange.run();
  }

  /** Drops the lease changes of a stream that has ended. */
  void resetLeases() {
    leases.clear();
  }

  /** Accepts no more requests. Those in the queue are still sent. */
  void close() {
    closed = true;
    onChange.run();
  }

  boolean isClosed() {
    return closed;
  }

  boolean isEmpty() {
    return acks.isEmpty() && leases.isEmpty();
  }

  /** Returns whether the queue is closed and all acknowledgements have been sent. */
  boolean isDrained() {
    return closed && acks.isEmpty();
  }

  /** Removes the next request. The queue must not be empty. */
  StreamMessagesRequest remove() {
    if (acks.isEmpty()) {
      return leases.remove();
    }
    var batch = new ArrayList<String>();
    while (!acks.isEmpty() && batch.size() < MAX_IDS_PER_REQUEST) {
      batch.add(acks.remove());
    }
    var ack = StreamMessagesRequest.Ack.newBuilder().addAllAckIds(batch);
    return StreamMessagesRequest.newBuilder().setAck(ack).build();
  }
}
