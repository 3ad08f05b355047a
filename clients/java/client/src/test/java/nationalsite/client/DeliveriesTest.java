package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import nationalsite.ordersync.v1.Delivery;
import nationalsite.ordersync.v1.DeliveryState;
import nationalsite.ordersync.v1.GetDeliveryRequest;
import nationalsite.ordersync.v1.GetDeliveryResponse;
import org.junit.jupiter.api.Test;

class DeliveriesTest {
  private static final GetDeliveryResponse PENDING =
      respond(Delivery.newBuilder().setState(DeliveryState.DELIVERY_STATE_PENDING));
  private static final GetDeliveryResponse DEAD =
      respond(
          Delivery.newBuilder()
              .setState(DeliveryState.DELIVERY_STATE_DEAD)
              .setFinishTime(Timestamp.newBuilder().setSeconds(1)));
  private static final StatusRuntimeException DRAINING =
      FakeOrderSyncService.error(Status.Code.UNAVAILABLE, "ERROR_REASON_DRAINING", 1L, -1L);

  @Test
  void outageWhileWaitingIsSurvived() throws Exception {
    var outage = Stream.generate(() -> DRAINING).limit(4);
    var answers = Stream.of(Stream.of(PENDING), outage, Stream.of(PENDING, DEAD)).flatMap(each -> each);
    try (var server = new FakeOrderSyncService(answers.toArray())) {
      var delivery = Deliveries.waitFor(server.stub(), "d-1", Duration.ofMinutes(1));
      assertEquals(DEAD.getDelivery(), delivery);
      assertEquals(7, server.calls.size());
      var wait = Times.toProto(Duration.ofSeconds(20));
      var request = GetDeliveryRequest.newBuilder().setDeliveryId("d-1").setWait(wait).build();
      server.calls.forEach(call -> assertEquals(request, call.request()));
    }
  }

  @Test
  void deliveryThatIsNotFinishedInTimeIsATimeout() throws IOException {
    try (var server = new FakeOrderSyncService(PENDING)) {
      var error =
          assertThrows(
              TimeoutException.class, () -> Deliveries.waitFor(server.stub(), "d-1", Duration.ofMillis(600)));
      assertEquals("delivery d-1 is not finished after PT0.6S", error.getMessage());
      assertTrue(((GetDeliveryRequest) server.calls.get(0).request()).getWait().getNanos() <= 600_000_000);
    }
  }

  @Test
  void outageThatDoesNotEndIsATimeout() throws IOException {
    try (var server = new FakeOrderSyncService(DRAINING)) {
      var error =
          assertThrows(
              TimeoutException.class, () -> Deliveries.waitFor(server.stub(), "d-1", Duration.ofMillis(600)));
      assertInstanceOf(StatusRuntimeException.class, error.getCause());
    }
  }

  @Test
  void unknownDeliveryIsAnError() throws IOException {
    var notFound =
        FakeOrderSyncService.error(Status.Code.NOT_FOUND, "ERROR_REASON_DELIVERY_NOT_FOUND", null, -1L);
    try (var server = new FakeOrderSyncService(notFound)) {
      var error =
          assertThrows(
              StatusRuntimeException.class,
              () -> Deliveries.waitFor(server.stub(), "d-1", Duration.ofMinutes(1)));
      assertEquals("ERROR_REASON_DELIVERY_NOT_FOUND", ErrorDetails.from(error).reasonName());
    }
  }

  private static GetDeliveryResponse respond(Delivery.Builder delivery) {
    return GetDeliveryResponse.newBuilder().setDelivery(delivery).build();
  }
}
