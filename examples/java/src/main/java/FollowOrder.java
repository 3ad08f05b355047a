import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import nationalsite.client.Channels;
import nationalsite.client.Consumer;
import nationalsite.client.Service;
import nationalsite.client.Times;
import nationalsite.ordersync.v1.DownstreamLogisticsStatus;
import nationalsite.ordersync.v1.DownstreamOrderStatus;
import nationalsite.ordersync.v1.GetPurchaseOrderRequest;
import nationalsite.ordersync.v1.ListShipmentsRequest;
import nationalsite.ordersync.v1.LogisticsOrder;
import nationalsite.ordersync.v1.Message;
import nationalsite.ordersync.v1.OrderStatusUpdate;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc.OrderSyncServiceBlockingStub;
import nationalsite.ordersync.v1.PurchaseOrder;
import nationalsite.ordersync.v1.PurchaseOrderState;
import nationalsite.ordersync.v1.Shipment;
import nationalsite.ordersync.v1.SubscriptionSpec;
import nationalsite.ordersync.v1.SyncLogisticsOrderRequest;
import nationalsite.ordersync.v1.SyncOrderStatusRequest;

/** After each message reads the purchase order and its shipments, and syncs them, until SIGTERM. */
public final class FollowOrder {
  private static final List<String> TOPICS =
      List.of(
          "ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS",
          "ORDER_BUYER_VIEW_ORDER_SUCCESS",
          "ORDER_BUYER_VIEW_ORDER_SELLER_CLOSE");
  private static final Map<PurchaseOrderState, DownstreamOrderStatus> STATUSES =
      Map.of(
          PurchaseOrderState.PURCHASE_ORDER_STATE_SUCCESS,
          DownstreamOrderStatus.DOWNSTREAM_ORDER_STATUS_SUCCESS,
          PurchaseOrderState.PURCHASE_ORDER_STATE_CANCELLED,
          DownstreamOrderStatus.DOWNSTREAM_ORDER_STATUS_CLOSED);

  public static void main(String[] args) {
    var address = System.getenv().getOrDefault("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052");
    var channel = Channels.connect(address, Service.ORDER_SYNC);
    var orders = OrderSyncServiceGrpc.newBlockingStub(channel);
    var startTime = Times.toProto(Instant.now().minus(Duration.ofHours(1)));
    var spec = SubscriptionSpec.newBuilder().addAllTopics(TOPICS).setStartTime(startTime).build();
    var consumer =
        Consumer.newBuilder(channel, "follow-java", message -> follow(orders, message))
            .createIfMissing(spec)
            .build();
    Runtime.getRuntime().addShutdownHook(new Thread(consumer::close)); // waits for the handlers that run
    consumer.run();
    channel.shutdown();
  }

  /** Syncs what an order is now: a message is only a hint, and can come twice. An error redelivers it. */
  private static void follow(OrderSyncServiceBlockingStub orders, Message message) {
    var orderId = message.getOrder().getCbuOrderId();
    var orderRequest = GetPurchaseOrderRequest.newBuilder().setCbuOrderId(orderId).build();
    var order = withDeadline(orders).getPurchaseOrder(orderRequest).getPurchaseOrder();
    if (order.getOutOrderId().isEmpty()) {
      return; // the site did not create it
    }
    var shipmentsRequest = ListShipmentsRequest.newBuilder().setCbuOrderId(orderId).build();
    var shipments = withDeadline(orders).listShipments(shipmentsRequest).getShipmentsList();
    for (var shipment : shipments) {
      syncShipment(orders, order, shipment);
    }
    var status = STATUSES.get(order.getState());
    if (status != null) {
      var update =
          OrderStatusUpdate.newBuilder()
              .setNationalOrderId(order.getOutOrderId())
              .setPayStatus(status);
      if (order.hasEndTime()) {
        update.setEndTime(order.getEndTime());
      }
      withDeadline(orders).syncOrderStatus(SyncOrderStatusRequest.newBuilder().setOrderStatus(update).build());
    }
    System.out.println(order.getOutOrderId() + " " + order.getState() + " " + shipments.size());
  }

  /** Syncs a shipment that goes to the buyer as it is. */
  private static void syncShipment(OrderSyncServiceBlockingStub orders, PurchaseOrder order, Shipment shipment) {
    var logisticsOrder =
        LogisticsOrder.newBuilder()
            .setNationalOrderId(order.getOutOrderId())
            .setLogisticsId(shipment.getCbuLogisticsId())
            .setCreateTime(order.hasAllShippedTime() ? order.getAllShippedTime() : order.getUpdateTime())
            .setLogisticsStatus(DownstreamLogisticsStatus.DOWNSTREAM_LOGISTICS_STATUS_SENT)
            .setProvince("東京都") // the buyer's address, from the site's database
            .setCity("渋谷区")
            .setArea("神南")
            .setAddress("東京都渋谷区神南1-2-3");
    var request = SyncLogisticsOrderRequest.newBuilder().setLogisticsOrder(logisticsOrder).build();
    withDeadline(orders).syncLogisticsOrder(request);
  }

  private static OrderSyncServiceBlockingStub withDeadline(OrderSyncServiceBlockingStub orders) {
    return orders.withDeadlineAfter(Duration.ofSeconds(10));
  }
}
