import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;
import nationalsite.client.Channels;
import nationalsite.client.Service;
import nationalsite.ordersync.v1.AckMessagesRequest;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc.OrderSyncServiceBlockingStub;
import nationalsite.ordersync.v1.PullMessagesRequest;
import nationalsite.ordersync.v1.SubscriptionSpec;

/** Prints the messages of the last hour. */
public final class PullMessages {
  public static void main(String[] args) {
    var address = System.getenv().getOrDefault("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052");
    var channel = Channels.connect(address, Service.ORDER_SYNC);
    var orders = OrderSyncServiceGrpc.newBlockingStub(channel);
    pull(orders, "shop-java");
    channel.shutdown();
  }

  // [snippet pull]
  /** Handles some messages, which may be delivered twice, and acknowledges them. */
  private static void pull(OrderSyncServiceBlockingStub orders, String subscription) {
    var startTime = Timestamp.newBuilder().setSeconds(Instant.now().minus(Duration.ofHours(1)).getEpochSecond());
    var request =
        PullMessagesRequest.newBuilder()
            .setSubscription(subscription)
            .setCreateIfMissing(SubscriptionSpec.newBuilder().setStartTime(startTime))
            .setMaxMessages(10);
    var ack = AckMessagesRequest.newBuilder().setSubscription(subscription);
    var response = orders.withDeadlineAfter(Duration.ofSeconds(20)).pullMessages(request.build());
    for (var received : response.getReceivedMessagesList()) {
      var message = received.getMessage();
      var order = message.getOrder();
      System.out.println(message.getTopic() + " " + order.getCbuOrderId() + " " + order.getCurrentStatus());
      ack.addAckIds(received.getAckId());
    }
    if (ack.getAckIdsCount() > 0) {
      var lapsed = orders.withDeadlineAfter(Duration.ofSeconds(5)).ackMessages(ack.build()).getLapsedAckIdsCount();
      if (lapsed > 0) {
        System.err.println(lapsed + " messages were redelivered meanwhile");
      }
    }
  }
  // [/snippet]
}
