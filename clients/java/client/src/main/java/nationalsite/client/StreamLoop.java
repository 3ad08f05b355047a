package nationalsite.client;

import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import nationalsite.errors.v1.Retry;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc.OrderSyncServiceStub;
import nationalsite.ordersync.v1.StreamMessagesRequest;
import nationalsite.ordersync.v1.StreamMessagesResponse;

/**
 * Opens one stream after the other. It moves messages from the stream to their handlers, and requests from
 * the queue to the stream. Used by the thread of the consumer only, which is that of the event loop.
 */
final class StreamLoop {
  /** Codes with which another stream would fail as well, if the error has no reason that is known here. */
  private static final Set<Status.Code> NON_RETRYABLE =
      EnumSet.of(
          Status.Code.INVALID_ARGUMENT,
          Status.Code.NOT_FOUND, // the subscription does not exist, or was deleted
          Status.Code.FAILED_PRECONDITION,
          Status.Code.UNAUTHENTICATED,
          Status.Code.PERMISSION_DENIED,
          Status.Code.UNIMPLEMENTED);
  /** From this number of failures in a row, a broken stream is a warning: the service does not just restart. */
  private static final int WARN_FAILURES = 3;
  private static final Logger LOGGER = System.getLogger("nationalsite.client");

  private final OrderSyncServiceStub stub;
  private final ConsumerOptions options;
  private final InFlightMessages inFlight;
  private final RequestQueue requests;
  private final ScheduledExecutorService loop;
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  /** The open stream; null between streams. */
  private Stream stream;
  /** Opens the next stream; null while a stream is open. */
  private Future<?> reopening;
  /** Streams that failed in a row. */
  private int failures;
  private boolean cancelled;

  StreamLoop(
      Channel channel,
      ConsumerOptions options,
      InFlightMessages inFlight,
      RequestQueue requests,
      ScheduledExecutorService loop) {
    this.stub = OrderSyncServiceGrpc.newStub(channel).withExecutor(loop);
    this.options = options;
    this.inFlight = inFlight;
    this.requests = requests;
    this.loop = loop;
  }

  /** Opens a stream. From then on a stream is kept open, until the queue is drained or no retry can help. */
  void open() {
    reopening = null;
    stream = new Stream();
    stream.open();
  }

  /** Sends what is in the queue, now or as soon as the stream can take it. */
  void flush() {
    if (stream != null) {
      stream.flush();
    } else if (requests.isClosed() && reopening != null && reopening.cancel(false)) {
      // The consumer is closed while this waits to reconnect: the last acknowledgements are sent at once.
      if (requests.isDrained()) {
        ended.complete(null);
      } else {
        open();
      }
    }
  }

  /** Ends the stream, although the last acknowledgements may not have been sent. */
  void cancel() {
    cancelled = true;
    if (stream != null) {
      stream.cancel();
      return;
    }
    if (reopening != null) {
      reopening.cancel(false);
    }
    ended.complete(null);
  }

  /** Completes after the last stream, with the error if no retry can help. */
  CompletableFuture<Void> ended() {
    return ended;
  }

  private void streamEnded(Stream endedStream, Throwable error) {
    stream = null;
    inFlight.resetLeases();
    requests.resetLeases();
    if (requests.isDrained() || cancelled) {
      ended.complete(null);
      return;
    }
    if (endedStream.age().compareTo(Backoff.MAX) > 0) {
      failures = 0;
    }
    failures++;
    var retryDelay = Duration.ZERO;
    if (error != null) {
      var details = ErrorDetails.from(error);
      if (!mayRetry(details)) {
        ended.completeExceptionally(error);
        return;
      }
      retryDelay = details.retryDelay().orElse(Duration.ZERO);
      var codeAndReason = "code=" + details.code() + " reason=" + details.reasonName();
      var level = failures >= WARN_FAILURES ? Level.WARNING : Level.INFO;
      LOGGER.log(level, "stream_ended " + codeAndReason + " message=" + details.message());
    }
    var backoff = Backoff.delay(failures);
    var delay = backoff.compareTo(retryDelay) > 0 ? backoff : retryDelay;
    reopening = loop.schedule(this::open, delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  private static boolean mayRetry(ErrorDetails details) {
    return details.retry() == Retry.RETRY_UNSPECIFIED
        ? !NON_RETRYABLE.contains(details.code())
        : details.retry() != Retry.RETRY_NEVER;
  }

  /** One stream. Its methods are called in the event loop, by gRPC too. */
  private final class Stream
      implements ClientResponseObserver<StreamMessagesRequest, StreamMessagesResponse> {
    private final long startNanos = System.nanoTime();
    private ClientCallStreamObserver<StreamMessagesRequest> call;
    /** Extends leases; null until the stream has reached a server. */
    private Future<?> extending;
    private boolean isHalfClosed;

    void open() {
      // The last acknowledgements are worth waiting for a server, as long as the consumer may take to close.
      var opener = requests.isClosed() ? stub.withWaitForReady() : stub;
      try {
        opener.streamMessages(this);
        call.onNext(options.openRequest());
      } catch (RuntimeException error) { // of an interceptor of the channel, for example without credentials
        end(error);
      }
    }

    void flush() {
      // Not ready means that gRPC would keep the request in memory, and lose it if it cannot connect.
      while (!requests.isEmpty() && call.isReady()) {
        call.onNext(requests.remove());
      }
      if (requests.isClosed() && requests.isEmpty() && !isHalfClosed) {
        isHalfClosed = true;
        call.onCompleted();
      }
    }

    void cancel() {
      call.cancel("the consumer is closed", null);
    }

    Duration age() {
      return Duration.ofNanos(System.nanoTime() - startNanos);
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<StreamMessagesRequest> requestStream) {
      call = requestStream;
      call.setOnReadyHandler(this::ready);
    }

    @Override
    public void onNext(StreamMessagesResponse response) {
      failures = 0;
      response.getDelivered().getReceivedMessagesList().forEach(inFlight::submit);
      inFlight.lapse(response.getLapsed().getAckIdsList());
    }

    @Override
    public void onError(Throwable error) {
      end(error);
    }

    @Override
    public void onCompleted() {
      end(null);
    }

    private void ready() {
      if (extending == null) {
        var interval = options.lease().dividedBy(3).toNanos();
        extending =
            loop.scheduleWithFixedDelay(inFlight::extendLeases, interval, interval, TimeUnit.NANOSECONDS);
      }
      flush();
    }

    private void end(Throwable error) {
      if (extending != null) {
        extending.cancel(false);
      }
      streamEnded(this, error);
    }
  }
}
