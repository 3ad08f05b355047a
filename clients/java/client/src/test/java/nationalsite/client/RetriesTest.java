package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import nationalsite.ordersync.v1.GetDeliveryRequest;
import nationalsite.ordersync.v1.GetDeliveryResponse;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc.OrderSyncServiceBlockingStub;
import nationalsite.ordersync.v1.PullMessagesRequest;
import nationalsite.ordersync.v1.PullMessagesResponse;
import nationalsite.ordersync.v1.SyncOrderRequest;
import nationalsite.ordersync.v1.SyncOrderResponse;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RetriesTest {
  private static final Duration TIMEOUT = Duration.ofMinutes(1);
  private static final Duration CLOCK_TOLERANCE = Duration.ofMillis(20);
  private static final Map<String, Method<?, ?>> METHODS =
      Map.of(
          "GetDelivery",
          new Method<>(
              GetDeliveryRequest.getDefaultInstance(),
              GetDeliveryResponse.getDefaultInstance(),
              orders -> orders::getDelivery),
          "SyncOrder",
          new Method<>(
              SyncOrderRequest.getDefaultInstance(),
              SyncOrderResponse.getDefaultInstance(),
              orders -> orders::syncOrder),
          "PullMessages",
          new Method<>(
              PullMessagesRequest.getDefaultInstance(),
              PullMessagesResponse.getDefaultInstance(),
              orders -> orders::pullMessages));

  /** A method that the cases call. */
  private record Method<Q extends Message, R extends Message>(
      Q request, R response, Function<OrderSyncServiceBlockingStub, Function<Q, R>> bind) {

    /** Calls it with retries; returns the request. */
    @SuppressWarnings("unchecked") // a builder builds a message of its own type
    Q call(JsonObject testCase, OrderSyncServiceBlockingStub orders, Duration timeout) throws IOException {
      var builder = request.toBuilder();
      JsonFormat.parser().merge(find(testCase, "request").orElse(new JsonObject()).toString(), builder);
      var filled = (Q) builder.build();
      var maxAttempts = find(testCase, "max_attempts");
      if (maxAttempts.isPresent()) {
        Retries.call(bind.apply(orders), filled, timeout, maxAttempts.get().getAsInt());
      } else {
        Retries.call(bind.apply(orders), filled, timeout);
      }
      return filled;
    }
  }

  static Stream<Named<JsonObject>> cases() throws IOException {
    return SharedCases.read("retry_cases.json").getAsJsonArray().asList().stream()
        .map(JsonElement::getAsJsonObject)
        .map(testCase -> Named.of(testCase.get("name").getAsString(), testCase));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void sharedCase(JsonObject testCase) throws IOException {
    var method = METHODS.get(testCase.get("method").getAsString());
    var failures = find(testCase, "failures").map(JsonElement::getAsInt).orElse(1);
    var errors = findError(testCase).stream().flatMap(error -> Collections.nCopies(failures, error).stream());
    var answers = Stream.concat(errors, Stream.of(method.response()));
    var timeout = Duration.ofMillis(find(testCase, "timeout_ms").map(JsonElement::getAsLong).orElse(20_000L));
    var start = System.nanoTime();
    try (var server = new FakeOrderSyncService(answers.toArray())) {
      var code = Status.Code.OK;
      try {
        method.call(testCase, server.stub(), timeout);
      } catch (StatusRuntimeException thrown) {
        code = thrown.getStatus().getCode();
        assertEquals(testCase.get("may_repeat").getAsBoolean(), ErrorDetails.from(thrown).mayRepeat());
      }
      assertEquals(testCase.get("code").getAsString(), code.name());
      assertTrue(System.nanoTime() - start < timeout.toNanos() / 2);
      checkCalls(testCase, server, timeout);
    }
  }

  private static void checkCalls(JsonObject testCase, FakeOrderSyncService server, Duration timeout) {
    assertEquals(testCase.get("calls").getAsInt(), server.calls.size());
    assertEquals(1, server.calls.stream().map(FakeOrderSyncService.Call::request).distinct().count());
    var first = server.calls.get(0);
    for (var call : server.calls) {
      var elapsed = Duration.ofNanos(call.timeNanos() - first.timeNanos());
      assertTrue(call.timeout().compareTo(timeout.minus(elapsed).plus(CLOCK_TOLERANCE)) <= 0);
    }
    if (server.calls.size() > 1) {
      var pauseMs = Duration.ofNanos(server.calls.get(1).timeNanos() - first.timeNanos()).toMillis();
      assertTrue(pauseMs >= find(testCase, "min_pause_ms").map(JsonElement::getAsLong).orElse(0L));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void mayRepeatFollowsTheError(JsonObject testCase) {
    findError(testCase)
        .map(ErrorDetails::from)
        .ifPresent(details -> assertEquals(testCase.get("may_repeat").getAsBoolean(), details.mayRepeat()));
  }

  @Test
  void interruptEndsThePauseWithTheLastError() throws IOException {
    var error = FakeOrderSyncService.error(Status.Code.UNAVAILABLE, "ERROR_REASON_DRAINING", 10_000L, null);
    try (var server = new FakeOrderSyncService(error)) {
      var caller = Thread.currentThread();
      Function<GetDeliveryRequest, GetDeliveryResponse> interrupted =
          request -> {
            try {
              return server.stub().getDelivery(request);
            } finally {
              caller.interrupt();
            }
          };
      var thrown =
          assertThrows(
              StatusRuntimeException.class,
              () -> Retries.call(interrupted, GetDeliveryRequest.getDefaultInstance(), TIMEOUT));
      assertTrue(Thread.interrupted());
      assertEquals(Status.Code.UNAVAILABLE, thrown.getStatus().getCode());
    }
  }

  /** Returns the error of a case; empty if its call succeeds at once. */
  private static Optional<StatusRuntimeException> findError(JsonObject testCase) {
    return find(testCase, "error")
        .map(JsonElement::getAsJsonObject)
        .map(
            error ->
                FakeOrderSyncService.error(
                    Status.Code.valueOf(error.get("code").getAsString()),
                    find(error, "reason").map(JsonElement::getAsString).orElse(null),
                    find(error, "domain").map(JsonElement::getAsString).orElse("nationalsite"),
                    find(error, "retry_delay_ms").map(JsonElement::getAsLong).orElse(null),
                    find(error, "pushback_ms").map(JsonElement::getAsLong).orElse(null)));
  }

  /** Returns a member that is there and not null. */
  private static Optional<JsonElement> find(JsonObject fields, String name) {
    return Optional.ofNullable(fields.get(name)).filter(value -> !value.isJsonNull());
  }
}
