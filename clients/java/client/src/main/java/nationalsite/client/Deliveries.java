package nationalsite.client;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import nationalsite.ordersync.v1.Delivery;
import nationalsite.ordersync.v1.GetDeliveryRequest;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc.OrderSyncServiceBlockingStub;

/** Waiting for the end of a delivery. */
public final class Deliveries {
  /** The longest {@code wait} of GetDelivery. */
  private static final Duration MAX_WAIT = Duration.ofSeconds(20);
  /**
   * The service returns a little before the deadline of a call: it does not wait in a call that is shorter.
   */
  private static final Duration MIN_WAIT = Duration.ofMillis(500);

  private Deliveries() {}

  /**
   * Returns a delivery when it is finished: delivered, dead or cancelled. Temporary errors are retried.
   *
   * @throws TimeoutException if the delivery is not finished within the timeout
   * @throws StatusRuntimeException if no retry can help, for example DELIVERY_NOT_FOUND
   */
  public static Delivery waitFor(OrderSyncServiceBlockingStub orders, String deliveryId, Duration timeout)
      throws TimeoutException {
    var endNanos = System.nanoTime() + timeout.toNanos();
    var remaining = timeout;
    do {
      var wait = remaining.compareTo(MAX_WAIT) < 0 ? remaining : MAX_WAIT;
      var request =
          GetDeliveryRequest.newBuilder().setDeliveryId(deliveryId).setWait(Times.toProto(wait)).build();
      try {
        var delivery = Retries.call(orders::getDelivery, request, remaining, Integer.MAX_VALUE).getDelivery();
        if (delivery.hasFinishTime()) {
          return delivery;
        }
      } catch (StatusRuntimeException error) {
        if (!isOutOfTime(error)) {
          throw error;
        }
        throw timeoutError(deliveryId, timeout, error);
      }
      remaining = Duration.ofNanos(endNanos - System.nanoTime());
    } while (remaining.compareTo(MIN_WAIT) >= 0);
    throw timeoutError(deliveryId, timeout, null);
  }

  private static TimeoutException timeoutError(String deliveryId, Duration timeout, Throwable cause) {
    var error = new TimeoutException("delivery " + deliveryId + " is not finished after " + timeout);
    error.initCause(cause);
    return error;
  }

  /** Returns whether a call has run out of time: itself, or the pause before its next attempt. */
  private static boolean isOutOfTime(StatusRuntimeException error) {
    var details = ErrorDetails.from(error);
    return (details.mayRepeat() && !Thread.currentThread().isInterrupted())
        || details.code() == Status.Code.DEADLINE_EXCEEDED;
  }
}
