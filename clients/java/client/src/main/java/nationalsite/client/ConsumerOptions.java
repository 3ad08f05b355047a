package nationalsite.client;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;
import nationalsite.ordersync.v1.StreamMessagesRequest;
import nationalsite.ordersync.v1.SubscriptionSpec;

/** How a consumer consumes. {@link Consumer.Builder} describes the options. */
record ConsumerOptions(
    String subscription,
    Consumer.Handler handler,
    Optional<SubscriptionSpec> createIfMissing,
    int maxOutstanding,
    Duration lease,
    Duration handlerTimeout,
    Duration stopGrace,
    Optional<Executor> executor) {
  private static final Duration MIN_LEASE = Duration.ofSeconds(10);
  private static final Duration MAX_LEASE = Duration.ofMinutes(10);
  private static final int MAX_OUTSTANDING = 1000;

  ConsumerOptions {
    Objects.requireNonNull(handler, "handler");
    require(!subscription.isEmpty(), "subscription must not be empty");
    require(
        maxOutstanding >= 1 && maxOutstanding <= MAX_OUTSTANDING,
        "maxOutstanding must be from 1 to " + MAX_OUTSTANDING + ", not " + maxOutstanding);
    require(
        lease.compareTo(MIN_LEASE) >= 0 && lease.compareTo(MAX_LEASE) <= 0,
        "lease must be from " + MIN_LEASE + " to " + MAX_LEASE + ", not " + lease);
    require(!handlerTimeout.isNegative() && !handlerTimeout.isZero(), "handlerTimeout must be positive");
    require(!stopGrace.isNegative(), "stopGrace must not be negative");
  }

  /** Returns the first request of each stream. */
  StreamMessagesRequest openRequest() {
    var open =
        StreamMessagesRequest.Open.newBuilder()
            .setSubscription(subscription)
            .setMaxOutstanding(maxOutstanding)
            .setLease(Times.toProto(lease));
    createIfMissing.ifPresent(open::setCreateIfMissing);
    return StreamMessagesRequest.newBuilder().setOpen(open).build();
  }

  private static void require(boolean isValid, String message) {
    if (!isValid) {
      throw new IllegalArgumentException(message);
    }
  }
}
