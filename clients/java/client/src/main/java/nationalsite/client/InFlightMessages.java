package nationalsite.client;

import io.grpc.Context;
import io.grpc.Deadline;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import nationalsite.ordersync.v1.ReceivedMessage;

/**
 * The messages that a consumer works on. It runs one handler for each message, acknowledges the message
 * afterwards, and releases it if the handler failed. Used by the thread of the consumer only, which is that
 * of the event loop.
 */
final class InFlightMessages {
  /**
   * How many handled messages are remembered, in case their acknowledgements were lost with a stream: twice
   * the largest maxOutstanding.
   */
  private static final int MAX_REMEMBERED = 2000;
  private static final Logger LOGGER = System.getLogger("nationalsite.client");

  private final ConsumerOptions options;
  private final RequestQueue requests;
  private final ScheduledExecutorService loop;
  private final Executor threads;
  private final Context callerContext;
  private final CompletableFuture<Void> finished = new CompletableFuture<>();
  private final Map<String, InFlightMessage> messages = new HashMap<>();
  /** Those of the messages that have no handler yet, the oldest first. */
  private final List<InFlightMessage> waiting = new ArrayList<>();
  /** Message id to the ack id of the last delivery, the oldest first. */
  private final Map<String, String> handled = new LinkedHashMap<>();
  private int running;
  private boolean closed;

  /**
   * Creates an empty set of messages.
   *
   * @param loop the event loop of the consumer
   * @param threads where handlers run
   * @param callerContext its values are those of the contexts of the handlers
   */
  InFlightMessages(
      ConsumerOptions options,
      RequestQueue requests,
      ScheduledExecutorService loop,
      Executor threads,
      Context callerContext) {
    this.options = options;
    this.requests = requests;
    this.loop = loop;
    this.threads = threads;
    this.callerContext = callerContext;
  }

  /**
   * Starts a handler for a message, if necessary after another handler has returned. A redelivered message
   * gets no second handler: if it is in flight, the new lease replaces the old one; if it was handled, it is
   * acknowledged again.
   */
  void submit(ReceivedMessage received) {
    var id = received.getMessage().getMessageId();
    if (handled.replace(id, received.getAckId()) != null) {
      requests.ack(received.getAckId());
      return;
    }
    var inFlight = messages.get(id);
    if (inFlight != null) {
      inFlight.received = received;
      inFlight.isLeased = true;
      inFlight.isLapsed = false;
    } else if (!closed) { // otherwise the service redelivers the message when the stream ends
      var message = new InFlightMessage(received);
      message.extendUntil = after(options.handlerTimeout());
      messages.put(id, message);
      waiting.add(message);
      startHandlers();
    }
  }

  /** Ends the work on messages whose leases the service has reported as ended. */
  void lapse(Collection<String> ackIds) {
    var lapsed = new HashSet<>(ackIds);
    for (var message : messages.values()) {
      if (lapsed.contains(message.received.getAckId())) {
        message.isLeased = false;
        message.isLapsed = true;
        if (message.call != null) {
          LOGGER.log(Level.WARNING, message.format("lease_lapsed"));
          message.call.context.cancel(new Consumer.LeaseLapsedException());
        }
      }
    }
    dropWaiting(message -> message.isLapsed);
    handled.forEach(
        (id, ackId) -> {
          if (lapsed.contains(ackId)) {
            LOGGER.log(Level.WARNING, "ack_lapsed message_id=" + id);
          }
        });
  }

  /** Extends the leases of all messages. Releases messages that have waited for too long. */
  void extendLeases() {
    dropWaiting(message -> message.extendUntil.isExpired());
    var ackIds =
        messages.values().stream()
            .filter(message -> message.isLeased && !message.extendUntil.isExpired())
            .map(message -> message.received.getAckId())
            .toList();
    requests.setLease(ackIds, options.lease());
  }

  /** Forgets the leases of a stream that has ended: the service may deliver its messages again. */
  void resetLeases() {
    messages.values().forEach(message -> message.isLeased = false);
    dropWaiting(message -> true);
  }

  /** Accepts no more messages and starts no more handlers. Failed messages are released at once. */
  void close() {
    closed = true;
    dropWaiting(message -> true);
    for (var message : List.copyOf(messages.values())) {
      if (message.release != null && message.release.cancel(false)) {
        finish(message, false);
      }
    }
    completeIfFinished();
  }

  /** Cancels all handlers. */
  void cancelHandlers() {
    for (var message : messages.values()) {
      if (message.call != null) {
        message.call.context.cancel(new CancellationException("the consumer is stopped"));
      }
    }
  }

  /** Completes when this is closed and no message is in flight. */
  CompletableFuture<Void> finished() {
    return finished;
  }

  /** Starts handlers for messages that wait, up to maxOutstanding. */
  private void startHandlers() {
    while (!waiting.isEmpty() && running < options.maxOutstanding()) {
      var message = waiting.remove(0);
      running++;
      message.extendUntil = after(options.handlerTimeout());
      message.call = new HandlerCall(message.received);
      var call = message.call;
      try {
        threads.execute(() -> {
          var error = call.run();
          loop.execute(() -> finishCall(message, error));
        });
      } catch (RejectedExecutionException rejected) {
        loop.execute(() -> finishCall(message, rejected));
      }
    }
  }

  private void finishCall(InFlightMessage message, Throwable error) {
    message.call.context.cancel(null);
    message.call = null;
    if (error == null) {
      finish(message, true);
      return;
    }
    if (!message.isLapsed) {
      LOGGER.log(Level.WARNING, message.format("handler_failed"), error);
    }
    if (closed) {
      finish(message, false);
      return;
    }
    // The service redelivers a released message at once, and dead-letters it after ten deliveries.
    var delay = Backoff.delay(message.received.getDeliveryAttempt());
    message.extendUntil = after(delay);
    message.release = loop.schedule(() -> finish(message, false), delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Acknowledges a handled message, or releases a failed one, and starts the next handler. */
  private void finish(InFlightMessage message, boolean isHandled) {
    messages.remove(message.id());
    var ackId = message.received.getAckId();
    if (isHandled) {
      remember(message.id(), ackId);
    }
    if (isHandled && !message.isLapsed) {
      requests.ack(ackId);
    } else if (!isHandled && message.isLeased) {
      requests.setLease(List.of(ackId), Duration.ZERO);
    }
    running--;
    startHandlers();
    completeIfFinished();
  }

  private void remember(String id, String ackId) {
    handled.put(id, ackId);
    if (handled.size() > MAX_REMEMBERED) {
      handled.remove(handled.keySet().iterator().next());
    }
  }

  /** Releases messages that wait. */
  private void dropWaiting(Predicate<InFlightMessage> isDropped) {
    var dropped = waiting.stream().filter(isDropped).toList();
    waiting.removeAll(dropped);
    dropped.forEach(message -> messages.remove(message.id()));
    var leased = dropped.stream().filter(message -> message.isLeased);
    requests.setLease(leased.map(message -> message.received.getAckId()).toList(), Duration.ZERO);
  }

  private void completeIfFinished() {
    if (closed && messages.isEmpty()) {
      finished.complete(null);
    }
  }

  private static Deadline after(Duration delay) {
    return Deadline.after(delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  /**
   * A message that a handler works on, or that waits until another handler returns. The service delivers at
   * most maxOutstanding messages at a time, but it does not know of handlers whose lease has ended.
   */
  private static final class InFlightMessage {
    /** The last delivery. */
    ReceivedMessage received;
    /** Whether the current stream holds the lease. */
    boolean isLeased = true;
    /** Whether the service has reported that the lease had ended. */
    boolean isLapsed;
    /** When the consumer stops extending the lease. A handler may run longer than that. */
    Deadline extendUntil;
    /** Null if no handler runs. */
    HandlerCall call;
    /** The release that follows the failure of the handler; null before. */
    Future<?> release;

    InFlightMessage(ReceivedMessage received) {
      this.received = received;
    }

    String id() {
      return received.getMessage().getMessageId();
    }

    String format(String event) {
      return event + " message_id=" + id() + " topic=" + received.getMessage().getTopic();
    }
  }

  /** The call of a handler. When its context ends, its thread is interrupted. */
  private final class HandlerCall implements Context.CancellationListener {
    final Context.CancellableContext context;
    private final ReceivedMessage received;
    /** The thread in which the handler runs; null if it does not. */
    private Thread thread;

    HandlerCall(ReceivedMessage received) {
      this.received = received;
      context =
          callerContext
              .withValue(Consumer.RECEIVED_MESSAGE, received)
              .withDeadlineAfter(options.handlerTimeout().toNanos(), TimeUnit.NANOSECONDS, loop);
    }

    /** Calls the handler in this thread; returns what it has thrown, or null. */
    Throwable run() {
      setThread(Thread.currentThread());
      context.addListener(this, Runnable::run);
      try {
        if (context.isCancelled()) { // before this thread was free
          return context.cancellationCause();
        }
        context.call(
            () -> {
              options.handler().handle(received.getMessage());
              return null;
            });
        return null;
      } catch (Throwable error) { // whatever it is, the message is released
        return error;
      } finally {
        setThread(null);
      }
    }

    @Override
    public synchronized void cancelled(Context cancelled) {
      if (thread != null) {
        thread.interrupt();
      }
    }

    private synchronized void setThread(Thread thread) {
      this.thread = thread;
      if (thread == null) {
        Thread.interrupted(); // an interrupt that came late is not for the next task of this thread
      }
    }
  }
}
