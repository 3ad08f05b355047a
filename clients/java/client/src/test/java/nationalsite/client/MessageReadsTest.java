package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import nationalsite.ordersync.v1.BatchPayEvent;
import nationalsite.ordersync.v1.BatchPayResult;
import nationalsite.ordersync.v1.GetPurchaseOrderRequest;
import nationalsite.ordersync.v1.GetRefundRequest;
import nationalsite.ordersync.v1.ListShipmentTracesRequest;
import nationalsite.ordersync.v1.ListShipmentsRequest;
import nationalsite.ordersync.v1.LogisticsTraceEvent;
import nationalsite.ordersync.v1.MailNoChangeEvent;
import nationalsite.ordersync.v1.Message;
import nationalsite.ordersync.v1.OrderEvent;
import nationalsite.ordersync.v1.OrderLogsItem;
import nationalsite.ordersync.v1.RefundEvent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MessageReadsTest {
  private static final Message.Builder ORDER =
      Message.newBuilder().setOrder(OrderEvent.newBuilder().setCbuOrderId(7));

  @Test
  void shipmentsAreReadAfterTheOrderWasShipped() {
    var message = ORDER.clone().setTopic("ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS").build();
    assertEquals(List.of(listShipments(7), readOrder(7)), MessageReads.list(message));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ORDER_BUYER_VIEW_ORDER_PAY", "A_NEWER_TOPIC"})
  void orderIsReadAfterEveryTopic(String topic) {
    assertEquals(List.of(readOrder(7)), MessageReads.list(ORDER.clone().setTopic(topic).build()));
  }

  @Test
  void refundIsReadBeforeItsOrder() {
    var event = RefundEvent.newBuilder().setRefundId("TQ1").setCbuOrderId(7);
    var refund = new MessageRead("GetRefund", GetRefundRequest.newBuilder().setRefundId("TQ1").build());
    assertEquals(
        List.of(refund, readOrder(7)), MessageReads.list(Message.newBuilder().setRefund(event).build()));
  }

  @Test
  void eachOrderIsReadOnce() {
    var batch = BatchPayEvent.newBuilder();
    LongStream.of(7, 7, 8).forEach(id -> batch.addResultsBuilder().setCbuOrderId(id));
    var paid = Message.newBuilder().setBatchPay(batch).build();
    assertEquals(List.of(readOrder(7), readOrder(8)), MessageReads.list(paid));
    var change = MailNoChangeEvent.newBuilder();
    LongStream.of(7, 7, 8).forEach(id -> change.addOrderLogsItemsBuilder().setCbuOrderId(id));
    var changed = Message.newBuilder().setMailNoChange(change).build();
    assertEquals(List.of(listShipments(7), listShipments(8)), MessageReads.list(changed));
  }

  @Test
  void tracesOfTheShipmentAreRead() {
    var item = OrderLogsItem.newBuilder().setCbuOrderId(7);
    var trace = LogisticsTraceEvent.newBuilder().setCbuLogisticsId("LP1").addOrderLogsItems(item);
    var request = ListShipmentTracesRequest.newBuilder().setCbuOrderId(7).setCbuLogisticsId("LP1").build();
    var expected = List.of(new MessageRead("ListShipmentTraces", request));
    assertEquals(expected, MessageReads.list(Message.newBuilder().setLogisticsTrace(trace).build()));
  }

  @ParameterizedTest
  @MethodSource("messagesWithoutIds")
  void messageWithoutIdsHasNoReads(Message message) {
    assertEquals(List.of(), MessageReads.list(message));
  }

  private static Stream<Message> messagesWithoutIds() {
    var unpaid = BatchPayResult.newBuilder().setStatus("ACCOUNT_FROZEN");
    return Stream.of(
            Message.newBuilder().setTopic("SYSTEM_TEST_PLATFORM"),
            Message.newBuilder().setOrder(OrderEvent.getDefaultInstance()),
            Message.newBuilder().setOrder(OrderEvent.newBuilder().setCbuOrderId(0)),
            Message.newBuilder().setRefund(RefundEvent.newBuilder().setRefundId("")),
            Message.newBuilder().setBatchPay(BatchPayEvent.newBuilder().addResults(unpaid)),
            Message.newBuilder().setLogisticsTrace(LogisticsTraceEvent.newBuilder().setCbuLogisticsId("LP1")))
        .map(Message.Builder::build);
  }

  private static MessageRead readOrder(long id) {
    return new MessageRead("GetPurchaseOrder", GetPurchaseOrderRequest.newBuilder().setCbuOrderId(id).build());
  }

  private static MessageRead listShipments(long id) {
    return new MessageRead("ListShipments", ListShipmentsRequest.newBuilder().setCbuOrderId(id).build());
  }
}
