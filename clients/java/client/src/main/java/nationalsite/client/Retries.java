package nationalsite.client;

import com.google.protobuf.DescriptorProtos.MethodOptions.IdempotencyLevel;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Message;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nationalsite.account.v1.AccountServiceProto;
import nationalsite.ordersync.v1.OrderSyncServiceProto;
import nationalsite.product.v1.ProductServiceProto;

/** Calls with retries, where a retry can neither execute the call twice nor exceed the timeout. */
public final class Retries {
  private static final int MAX_ATTEMPTS = 3;
  /** Names of the requests of the RPCs without side effects: each RPC has a request of its own. */
  private static final Set<String> READS =
      Stream.of(
              AccountServiceProto.getDescriptor(),
              OrderSyncServiceProto.getDescriptor(),
              ProductServiceProto.getDescriptor())
          .flatMap(file -> file.getServices().stream())
          .flatMap(service -> service.getMethods().stream())
          .filter(method -> method.getOptions().getIdempotencyLevel() == IdempotencyLevel.NO_SIDE_EFFECTS)
          .map(MethodDescriptor::getInputType)
          .map(request -> request.getFullName())
          .collect(Collectors.toUnmodifiableSet());

  private Retries() {}

  /** Does the same as {@link #call(Function, Message, Duration, int)}, with at most three attempts. */
  public static <Q extends Message, R> R call(Function<Q, R> method, Q request, Duration timeout) {
    return call(method, request, timeout, MAX_ATTEMPTS);
  }

  /**
   * Calls a method of a blocking stub, such as {@code orders::syncOrder}. After an error that permits it,
   * calls it again with the same request.
   *
   * <p>A call is retried if {@link ErrorDetails#mayRepeat}. If the error is not from the service, the call
   * may have been executed: then it is retried only if the RPC has no side effects, or if the request has a
   * {@code request_id}. The pause is the delay of RetryInfo, or exponential backoff.
   *
   * @param timeout for all attempts together
   * @throws StatusRuntimeException the last error, at once if the pause would exceed the timeout. An
   *     interrupt during the pause ends it with the last error too, and the thread stays interrupted
   */
  public static <Q extends Message, R> R call(
      Function<Q, R> method, Q request, Duration timeout, int maxAttempts) {
    var endNanos = System.nanoTime() + timeout.toNanos();
    for (var attempt = 1; ; attempt++) {
      var remaining = Duration.ofNanos(endNanos - System.nanoTime());
      try {
        return Calls.call(method, request, remaining);
      } catch (StatusRuntimeException error) {
        var details = ErrorDetails.from(error);
        var pause = longer(Backoff.delay(attempt), details.retryDelay().orElse(Duration.ZERO));
        if (attempt >= maxAttempts
            || !isRetrySafe(details, request)
            || pause.toNanos() >= endNanos - System.nanoTime()
            || !sleep(pause)) {
          throw error;
        }
      }
    }
  }

  private static boolean isRetrySafe(ErrorDetails details, Message request) {
    if (!details.mayRepeat()) {
      return false;
    }
    return !details.reasonName().isEmpty() // the service has answered, and its reason permits a retry
        || READS.contains(request.getDescriptorForType().getFullName())
        || hasRequestId(request);
  }

  private static boolean hasRequestId(Message request) {
    var field = request.getDescriptorForType().findFieldByName("request_id");
    return field != null && !request.getField(field).equals("");
  }

  /** Returns whether the thread was not interrupted. */
  private static boolean sleep(Duration pause) {
    try {
      Thread.sleep(pause.toMillis(), pause.toNanosPart() % 1_000_000);
      return true;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) > 0 ? one : other;
  }
}
