// [snippet consume]
import nationalsite.client.Channels;
import nationalsite.client.Consumer;
import nationalsite.client.Service;
import nationalsite.ordersync.v1.Message;
import nationalsite.ordersync.v1.SubscriptionSpec;

/** Prints messages about orders until SIGTERM. */
public final class ConsumeMessages {
  public static void main(String[] args) {
    var address = System.getenv().getOrDefault("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052");
    var channel = Channels.connect(address, Service.ORDER_SYNC);
    var consumer =
        Consumer.newBuilder(channel, "shop", ConsumeMessages::handle)
            .createIfMissing(SubscriptionSpec.getDefaultInstance()) // all topics, messages from now on
            .build();
    Runtime.getRuntime().addShutdownHook(new Thread(consumer::close)); // waits for the handlers that run
    consumer.run();
    channel.shutdown();
  }

  /** Handles a message, which may be delivered twice. It is acknowledged when this returns. */
  private static void handle(Message message) {
    if (message.hasOrder()) { // otherwise it is about something else, such as a refund
      var order = message.getOrder();
      System.out.println(message.getTopic() + " " + order.getCbuOrderId() + " " + order.getCurrentStatus());
    }
  }
}
// [/snippet]
