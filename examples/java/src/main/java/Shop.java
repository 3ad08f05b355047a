import com.google.protobuf.ByteString;
import io.grpc.*;
import java.math.BigDecimal;
import java.net.URI;
import java.net.http.*;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import nationalsite.account.v1.*;
import nationalsite.client.*;
import nationalsite.errors.v1.ErrorReason;
import nationalsite.ordersync.v1.*;
import nationalsite.product.v1.*;

/** What a shop does, from a search by image to a refund. The sandbox is 1688, the seller and the carrier. */
public final class Shop {
  private static final Duration TIMEOUT = Duration.ofSeconds(15);

  public static void main(String[] args) throws Exception {
    var channel = connect(Service.ORDER_SYNC, 50052);
    var orders = OrderSyncServiceGrpc.newBlockingStub(channel);
    var products = ProductServiceGrpc.newBlockingStub(connect(Service.PRODUCT, 50051));
    var accounts = AccountServiceGrpc.newBlockingStub(connect(Service.ACCOUNT, 50053));

    // Search by an image up to the third page, and print the prices of an offer.
    var image = ByteString.copyFrom(Files.readAllBytes(Path.of("examples/image.jpg")));
    var search = SearchByImageRequest.newBuilder().setImage(image).setPageSize(5).setCountry("japan").build();
    var pages = Pages.iterate(products::searchByImage, search, TIMEOUT).iterator();
    var detail = GetProductDetailRequest.newBuilder().setCountry("japan");
    for (var number = 1; number <= 3; number++) {
      detail.setOfferId(pages.next().getOffers(0).getOfferId());
      System.out.println("page " + number + " begins with " + detail.getOfferId());
    }
    var product = Retries.call(products::getProductDetail, detail.build(), TIMEOUT).getProduct();
    for (var sku : product.getProductSkuInfosList()) {
      var color = sku.getSkuAttributes(0).getValueTrans();
      System.out.println("SKU " + sku.getSkuId() + " " + Monies.toText(sku.getPrice()) + " " + color);
    }

    // Register a buyer, twice.
    var register = RegisterUserRequest.newBuilder();
    register.getCountryAccountBuilder().setOutMemberId("java-1").setOutLoginName("java").setSite("sniff")
        .setCountry("japan").setMobile("+81 90 1234 5678").setMobileArea("JP").setIp("203.0.113.7")
        .setEmail("java@example.com");
    for (var id : List.of(newId(), newId())) {
      try {
        Retries.call(accounts::registerUser, register.setRequestId(id).build(), TIMEOUT);
        System.out.println("registered");
      } catch (StatusRuntimeException error) {
        var exists = ErrorDetails.from(error).reason() == ErrorReason.ERROR_REASON_ACCOUNT_EXISTS;
        System.out.println(exists ? "registered already" : error);
      }
    }

    // Sync an order, then its new status, then which entry of a purchase order belongs to which sub-order.
    var now = Times.now();
    var orderId = Long.parseLong(callSandbox("orders", "{}").replaceAll("(?s).*?(\\d{19}).*", "$1"));
    var read = GetPurchaseOrderRequest.newBuilder().setCbuOrderId(orderId).build();
    var purchase = Retries.call(orders::getPurchaseOrder, read, TIMEOUT).getPurchaseOrder();
    var order =
        Order.newBuilder().setNationalOrderId("3001").setOutMemberId("java-1").setCreateTime(now)
            .setPayStatus(DownstreamOrderStatus.DOWNSTREAM_ORDER_STATUS_PAID).setPayTime(now)
            .setPaidFee(purchase.getTotalAmount());
    var relations = WriteOrderRelationsRequest.newBuilder();
    for (var entry : purchase.getEntriesList()) {
      var id = "3001" + order.getSubOrdersCount();
      order.addSubOrdersBuilder().setNationalSubOrderId(id).setOfferId(entry.getOfferId())
          .setProductName(entry.getSubject()).setSkuId(entry.getSkuId()).setBuyAmount(1)
          .setSkuName(entry.getSkuAttributes(0).getValue()).setPaidFee(entry.getLineAmount())
          .setRefundStatus(DownstreamRefundStatus.DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED);
      relations.addRelationsBuilder().setNationalOrderId("3001").setNationalSubOrderId(id)
          .setCbuOrderId(orderId).setCbuOrderEntryId(entry.getCbuOrderEntryId());
    }
    var sync = SyncOrderRequest.newBuilder().setRequestId(newId()).setOrder(order).build();
    Retries.call(orders::syncOrder, sync, TIMEOUT);
    var update = SyncOrderStatusRequest.newBuilder().setRequestId(newId());
    update.getOrderStatusBuilder().setNationalOrderId("3001").setEndTime(now)
        .setPayStatus(DownstreamOrderStatus.DOWNSTREAM_ORDER_STATUS_SUCCESS);
    Retries.call(orders::syncOrderStatus, update.build(), TIMEOUT);
    injectFault("order.relation.write", 1, "{'gateway_error': 'gw.APIACLDecline'}");
    var written = Retries.call(orders::writeOrderRelations, relations.build(), TIMEOUT);
    for (var result : RelationResults.pair(relations.build(), written)) {
      var outcome = result.error().map(ErrorDetails::reasonName).orElse("OK");
      System.out.println(result.relation().getNationalSubOrderId() + " " + outcome);
    }

    // Consume messages for a minute. Before that, the order is paid, shipped and received.
    for (var step : List.of("pay", "ship", "receive")) {
      callSandbox("orders/" + orderId + "/" + step, "{}");
    }
    var consumer =
        Consumer.newBuilder(channel, "shop-java", message -> System.out.println(message.getTopic()))
            .createIfMissing(SubscriptionSpec.newBuilder().setStartTime(now).build()).build();
    var seconds = args.length > 0 ? Long.parseLong(args[0]) : 60;
    CompletableFuture.delayedExecutor(seconds, TimeUnit.SECONDS).execute(consumer::stop);
    consumer.run();

    // Request a refund with a voucher.
    var bought = purchase.getEntries(0);
    var goods = ListRefundReasonsRequest.newBuilder().setCbuOrderId(orderId);
    goods.addCbuOrderEntryIds(bought.getCbuOrderEntryId())
        .setGoodsStatus(GoodsStatus.GOODS_STATUS_REFUND_BUYER_RECEIVED);
    var reasons = Retries.call(orders::listRefundReasons, goods.build(), TIMEOUT).getReasonsList();
    var reason = reasons.stream().filter(RefundReason::getNeedVoucher).findFirst().orElseThrow();
    var upload = UploadRefundVoucherRequest.newBuilder().setImage(image).build();
    var voucher = Retries.call(orders::uploadRefundVoucher, upload, TIMEOUT);
    var refund =
        CreateRefundRequest.newBuilder().setRequestId(newId()).setCbuOrderId(orderId)
            .addCbuOrderEntryIds(bought.getCbuOrderEntryId()).setGoodsStatus(goods.getGoodsStatus())
            .setDisputeRequest(DisputeKind.DISPUTE_KIND_RETURN_REFUND).setDescription("wrong colour")
            .setApplyReasonId(reason.getReasonId()).addVouchers(voucher.getVoucherUrl())
            .setApplyPayment(bought.getLineAmount()).setApplyCarriage(Monies.fromDecimal(BigDecimal.ZERO));
    System.out.println("refund " + Retries.call(orders::createRefund, refund.build(), TIMEOUT).getRefundId());

    // Enqueue a delivery and wait for its end.
    var enqueue = EnqueueSyncRequest.newBuilder().setRequestId(newId());
    enqueue.getRelationsBuilder().addAllRelations(relations.getRelationsList());
    var delivery = Retries.call(orders::enqueueSync, enqueue.build(), TIMEOUT).getDelivery();
    delivery = Deliveries.waitFor(orders, delivery.getDeliveryId(), Duration.ofMinutes(1));
    System.out.println(delivery.getState() + " " + delivery.getAttempts());

    // Handle errors: one that retries overcome, and one after which only 1688 knows what happened.
    injectFault("product.search.keywordQuery", 3, "{'status': 503}");
    var dresses = SearchByKeywordRequest.newBuilder().setKeyword("dress").setCountry("japan").build();
    System.out.println("found " + Retries.call(products::searchByKeyword, dresses, TIMEOUT).getTotalSize());
    injectFault("alibaba.alipay.url.get", 1, "{'drop': 'after_request'}");
    var link = CreateAlipayUrlRequest.newBuilder().setRequestId(newId()).addCbuOrderIds(orderId).build();
    try {
      Retries.call(orders::createAlipayUrl, link, TIMEOUT);
    } catch (StatusRuntimeException error) {
      System.out.println(ErrorDetails.from(error).reason()); // OUTCOME_UNKNOWN: 1688 may have made the link
    }
  }

  private static ManagedChannel connect(Service service, int port) {
    var address = System.getenv().getOrDefault("NATIONALSITE_" + service, "127.0.0.1:" + port);
    return Channels.connect(address, service);
  }

  private static String newId() {
    return UUID.randomUUID().toString();
  }

  private static void injectFault(String operation, int times, String fault) throws Exception {
    var body = "{'operation': '%s', 'times': %d, 'fault': %s}".formatted(operation, times, fault);
    callSandbox("faults", body.replace('\'', '"'));
  }

  private static String callSandbox(String path, String body) throws Exception {
    var sandbox = System.getenv().getOrDefault("NATIONALSITE_SANDBOX", "http://127.0.0.1:8168");
    var post = HttpRequest.newBuilder(URI.create(sandbox + "/admin/" + path));
    var content = HttpRequest.BodyPublishers.ofString(body);
    var request = post.header("Content-Type", "application/json").POST(content).build();
    return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
  }
}
