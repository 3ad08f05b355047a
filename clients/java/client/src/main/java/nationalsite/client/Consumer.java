package nationalsite.client;

import io.grpc.Channel;
import io.grpc.Context;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import nationalsite.ordersync.v1.Message;
import nationalsite.ordersync.v1.ReceivedMessage;
import nationalsite.ordersync.v1.SubscriptionSpec;

/**
 * Calls a handler with each message of a subscription, and acknowledges the message when the handler returns.
 *
 * <p>A message can be delivered more than once, even to two processes at the same time: make the handler
 * idempotent by {@code message_id}. If the handler throws, the consumer waits, releases the message, and the
 * service redelivers it; after ten deliveries the message is dead-lettered. A broken stream is reopened with
 * exponential backoff. Handlers continue meanwhile, and their messages are acknowledged on the next stream.
 *
 * <p>A lease can end although the consumer extends it, for example if the service cannot reach its store in
 * time. When the service reports this, the consumer interrupts the handler, and neither extends the lease nor
 * acknowledges or releases the message: another consumer may have it now.
 *
 * <p>It logs broken streams, failed handlers and lapsed leases with the {@link System.Logger} {@code
 * nationalsite.client}.
 */
public final class Consumer implements Runnable, AutoCloseable {
  /** In the context of a handler, the delivery for which it was called: number of the attempt, and lease. */
  public static final Context.Key<ReceivedMessage> RECEIVED_MESSAGE = Context.key("received-message");

  /**
   * How long the last acknowledgements may take, and how long handlers may take to return after they were
   * interrupted.
   */
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

  private final Channel channel;
  private final ConsumerOptions options;
  private final AtomicBoolean started = new AtomicBoolean();
  private final CompletableFuture<Void> stopped = new CompletableFuture<>();
  private final CompletableFuture<Void> finished = new CompletableFuture<>();

  private Consumer(Channel channel, ConsumerOptions options) {
    this.channel = channel;
    this.options = options;
  }

  /** Handles messages. */
  @FunctionalInterface
  public interface Handler {
    /**
     * Handles one message, in a thread that may be interrupted. It runs in an io.grpc.Context that ends with
     * the interrupt, so that calls of stubs in the handler end too. {@link #RECEIVED_MESSAGE} returns the
     * delivery.
     *
     * @throws Exception to get the message again later
     */
    void handle(Message message) throws Exception;
  }

  /** The cancellation cause of a handler's context, if the lease of its message has lapsed. */
  public static final class LeaseLapsedException extends Exception {
    private static final long serialVersionUID = 1;

    LeaseLapsedException() {
      super("the lease of the message has lapsed");
    }
  }

  /**
   * Returns a builder with the default options.
   *
   * @param channel a channel to order sync, from {@link Channels}
   * @param subscription the name of the subscription
   * @param handler up to {@code maxOutstanding} threads call it at the same time
   */
  public static Builder newBuilder(Channel channel, String subscription, Handler handler) {
    return new Builder(channel, subscription, handler);
  }

  /**
   * Consumes messages until {@link #stop}, {@link #close} or an interrupt of this thread. Then it starts no
   * more handlers, waits up to {@code stopGrace} for those that run, and acknowledges their messages.
   *
   * @throws io.grpc.StatusRuntimeException if no retry can help, for example if the caller is not authorized
   *     or the subscription does not exist
   * @throws IllegalStateException if handlers do not return although they were interrupted, or if this was
   *     called before
   */
  @Override
  public void run() {
    if (!started.compareAndSet(false, true)) {
      throw new IllegalStateException("a consumer runs only once");
    }
    var loop = newEventLoop();
    var ownThreads = options.executor().isPresent() ? null : newThreadPool();
    try {
      new Run(loop, options.executor().orElse(ownThreads)).run();
    } finally {
      loop.shutdownNow();
      if (ownThreads != null) {
        ownThreads.shutdownNow();
      }
      finished.complete(null);
    }
  }

  /** Makes {@link #run} return, after the handlers that run. Does not wait for it. */
  public void stop() {
    stopped.complete(null);
  }

  /**
   * Stops the consumer, and waits until {@link #run} has ended. It is made for shutdown hooks; a handler
   * calls {@link #stop} instead.
   */
  @Override
  public void close() {
    stop();
    if (started.get()) {
      finished.join();
    }
  }

  /** An event loop of one thread, which has all the state of a consumer that runs. */
  private ScheduledThreadPoolExecutor newEventLoop() {
    var loop = new ScheduledThreadPoolExecutor(1, newThreadFactory("consumer"));
    loop.setRemoveOnCancelPolicy(true);
    // A handler that returns after the end of run has nothing left to report.
    loop.setRejectedExecutionHandler(new ThreadPoolExecutor.DiscardPolicy());
    return loop;
  }

  /** A pool of as many threads as handlers run. */
  private ExecutorService newThreadPool() {
    return Executors.newCachedThreadPool(newThreadFactory("handler"));
  }

  private ThreadFactory newThreadFactory(String role) {
    return task -> {
      var thread = new Thread(task, "nationalsite-" + role + "-" + options.subscription());
      thread.setDaemon(true); // run waits for handlers; one that never returns must not keep the JVM alive
      return thread;
    };
  }

  /** The one run of a consumer. */
  private final class Run {
    private final ScheduledThreadPoolExecutor loop;
    private final RequestQueue requests;
    private final InFlightMessages inFlight;
    private final StreamLoop streams;
    /** Whether the loop will flush the queue, so that it sends acknowledgements together. */
    private boolean isFlushing;

    Run(ScheduledThreadPoolExecutor loop, Executor threads) {
      this.loop = loop;
      requests = new RequestQueue(this::flushSoon);
      inFlight = new InFlightMessages(options, requests, loop, threads, Context.current().fork());
      streams = new StreamLoop(channel, options, inFlight, requests, loop);
    }

    void run() {
      loop.execute(streams::open);
      try {
        CompletableFuture.anyOf(stopped, streams.ended()).get();
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt(); // the waits below are not interrupted by it
      } catch (ExecutionException noRetryHelps) {
        // It is thrown below, after the handlers have finished.
      }
      loop.execute(inFlight::close);
      if (!await(inFlight.finished(), options.stopGrace())) {
        loop.execute(inFlight::cancelHandlers);
        await(inFlight.finished(), CLOSE_TIMEOUT);
      }
      loop.execute(requests::close);
      if (!await(streams.ended(), CLOSE_TIMEOUT)) {
        loop.execute(streams::cancel);
      }
      try {
        streams.ended().join();
      } catch (CompletionException error) {
        throw (RuntimeException) error.getCause();
      }
      if (!inFlight.finished().isDone()) {
        throw new IllegalStateException("handlers did not return although they were interrupted");
      }
    }

    private void flushSoon() {
      if (!isFlushing) {
        isFlushing = true;
        loop.execute(
            () -> {
              isFlushing = false;
              streams.flush();
            });
      }
    }

    /** Waits until a future is completed, in any way; returns whether it was within the timeout. */
    private static boolean await(CompletableFuture<Void> future, Duration timeout) {
      return future
          .handle((nothing, error) -> true)
          .completeOnTimeout(false, timeout.toNanos(), TimeUnit.NANOSECONDS)
          .join();
    }
  }

  /** Builds a consumer. OrderSyncService in the protos states the limits of the options. */
  public static final class Builder {
    private final Channel channel;
    private final String subscription;
    private final Handler handler;
    private SubscriptionSpec createIfMissing;
    private int maxOutstanding = 10;
    private Duration lease = Duration.ofMinutes(1);
    private Duration handlerTimeout = Duration.ofMinutes(10);
    private Duration stopGrace = Duration.ofSeconds(25);
    private Executor executor;

    private Builder(Channel channel, String subscription, Handler handler) {
      this.channel = Objects.requireNonNull(channel, "channel");
      this.subscription = Objects.requireNonNull(subscription, "subscription");
      this.handler = Objects.requireNonNull(handler, "handler");
    }

    /**
     * Creates the subscription if it does not exist. The default instance of SubscriptionSpec creates one
     * with all topics and only new messages. Default: {@link #run} throws SUBSCRIPTION_NOT_FOUND if it does
     * not exist.
     */
    public Builder createIfMissing(SubscriptionSpec spec) {
      createIfMissing = spec;
      return this;
    }

    /** Sets the maximum of messages in flight, 1 to 1,000. As many handlers run concurrently. Default: 10. */
    public Builder maxOutstanding(int maxOutstanding) {
      this.maxOutstanding = maxOutstanding;
      return this;
    }

    /**
     * Sets the time after which the service redelivers the messages of a consumer that died, 10 seconds to 10
     * minutes. The consumer extends it while a handler runs. Default: 1 minute.
     */
    public Builder lease(Duration lease) {
      this.lease = lease;
      return this;
    }

    /**
     * Sets how long a handler may take. If it runs longer, its thread is interrupted, the consumer stops
     * extending the lease, and the service redelivers the message; the slot is free only when the handler
     * returns. A message that waits longer than this for a slot is released. Default: 10 minutes.
     */
    public Builder handlerTimeout(Duration handlerTimeout) {
      this.handlerTimeout = handlerTimeout;
      return this;
    }

    /** Sets how long handlers may continue after the consumer was stopped. Default: 25 seconds. */
    public Builder stopGrace(Duration stopGrace) {
      this.stopGrace = stopGrace;
      return this;
    }

    /**
     * Sets where handlers run, such as {@code Executors.newVirtualThreadPerTaskExecutor()}. It must have a
     * thread for each of {@code maxOutstanding} handlers, not run them in the calling thread, and be shut
     * down by the caller. Default: a pool of threads that ends with the consumer.
     */
    public Builder executor(Executor executor) {
      this.executor = executor;
      return this;
    }

    /**
     * Returns the consumer.
     *
     * @throws IllegalArgumentException if the service would reject the options
     */
    public Consumer build() {
      return new Consumer(
          channel,
          new ConsumerOptions(
              subscription,
              handler,
              Optional.ofNullable(createIfMissing),
              maxOutstanding,
              lease,
              handlerTimeout,
              stopGrace,
              Optional.ofNullable(executor)));
    }
  }
}
