import java.math.BigDecimal;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeoutException;
import nationalsite.client.Channels;
import nationalsite.client.Deliveries;
import nationalsite.client.Monies;
import nationalsite.client.Service;
import nationalsite.client.Times;
import nationalsite.ordersync.v1.DownstreamOrderStatus;
import nationalsite.ordersync.v1.DownstreamRefundStatus;
import nationalsite.ordersync.v1.EnqueueSyncRequest;
import nationalsite.ordersync.v1.Order;
import nationalsite.ordersync.v1.OrderRelation;
import nationalsite.ordersync.v1.OrderRelations;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc.OrderSyncServiceBlockingStub;
import nationalsite.ordersync.v1.SubOrder;
import nationalsite.ordersync.v1.SyncOrderRequest;

/** Syncs an order to 1688 with a direct call, and its purchase order with a durable delivery. */
public final class SyncOrder {
  public static void main(String[] args) throws TimeoutException {
    var address = System.getenv().getOrDefault("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052");
    var channel = Channels.connect(address, Service.ORDER_SYNC);
    var orders = OrderSyncServiceGrpc.newBlockingStub(channel);
    syncOrder(orders);
    enqueueRelation(orders);
    channel.shutdown();
  }

  /** Syncs an order. The request id makes the call safe to retry if its outcome is unknown. */
  private static void syncOrder(OrderSyncServiceBlockingStub orders) {
    var now = Times.now();
    var paidFee = Monies.fromDecimal(new BigDecimal("3.14"));
    var subOrder =
        SubOrder.newBuilder()
            .setNationalSubOrderId("4590347523948375")
            .setRefundStatus(DownstreamRefundStatus.DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED)
            .setOfferId(620201390233L)
            .setProductName("夏季新款碎花连衣裙女")
            .setSkuId(5104790281451L)
            .setSkuName("绿色;均码")
            .setBuyAmount(2)
            .setPaidFee(paidFee);
    var order =
        Order.newBuilder()
            .setNationalOrderId("4590347523948370")
            .setCreateTime(now)
            .setPayTime(now)
            .setPayStatus(DownstreamOrderStatus.DOWNSTREAM_ORDER_STATUS_PAID)
            .setOutMemberId("1212113")
            .setPaidFee(paidFee)
            .addSubOrders(subOrder);
    var request = SyncOrderRequest.newBuilder().setRequestId(UUID.randomUUID().toString()).setOrder(order).build();
    orders.withDeadlineAfter(Duration.ofSeconds(10)).syncOrder(request);
    System.out.println("synced " + order.getNationalOrderId());
  }

  /** Syncs the relation to its purchase order. The delivery survives outages and restarts. */
  private static void enqueueRelation(OrderSyncServiceBlockingStub orders) throws TimeoutException {
    // [snippet enqueue]
    var relation =
        OrderRelation.newBuilder()
            .setNationalOrderId("4590347523948370")
            .setNationalSubOrderId("4590347523948375")
            .setCbuOrderId(3209572465452730L)
            .setCbuOrderEntryId(3209572465452734L);
    var request =
        EnqueueSyncRequest.newBuilder()
            .setRequestId(UUID.randomUUID().toString()) // store it: a retry with it returns the same delivery
            .setRelations(OrderRelations.newBuilder().addRelations(relation))
            .build();
    var enqueued = orders.withDeadlineAfter(Duration.ofSeconds(5)).enqueueSync(request).getDelivery();
    var delivery = Deliveries.waitFor(orders, enqueued.getDeliveryId(), Duration.ofMinutes(1));
    System.out.println(delivery.getState() + " " + delivery.getAttempts()); // DELIVERY_STATE_DELIVERED 1
    // [/snippet]
  }
}
