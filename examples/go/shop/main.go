// What a shop does, from a search by image to a refund. The sandbox is 1688, the seller and the carrier.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"nationalsite.internal/client"
	accountv1 "nationalsite.internal/go/account/v1"
	errorsv1 "nationalsite.internal/go/errors/v1"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
	productv1 "nationalsite.internal/go/product/v1"
)

// must ends the program with an error. A service would return the error.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// callSandbox calls the admin API of the sandbox.
func callSandbox(path, body string) (order struct {
	ID int64 `json:"order_id"`
}) {
	url := cmp.Or(os.Getenv("NATIONALSITE_SANDBOX"), "http://127.0.0.1:8168") + "/admin/" + path
	response := must(http.Post(url, "application/json", strings.NewReader(body)))
	defer response.Body.Close()
	_ = json.NewDecoder(response.Body).Decode(&order) // some responses are empty
	return order
}

func main() {
	productConn := must(client.Connect(cmp.Or(os.Getenv("NATIONALSITE_PRODUCT"), "127.0.0.1:50051"), client.Product))
	orderConn := must(client.Connect(cmp.Or(os.Getenv("NATIONALSITE_ORDER_SYNC"), "127.0.0.1:50052"), client.OrderSync))
	accountConn := must(client.Connect(cmp.Or(os.Getenv("NATIONALSITE_ACCOUNT"), "127.0.0.1:50053"), client.Account))
	products := productv1.NewProductServiceClient(productConn)
	orders := ordersyncv1.NewOrderSyncServiceClient(orderConn)
	accounts := accountv1.NewAccountServiceClient(accountConn)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	now := timestamppb.Now()

	// Search by an image up to the third page, and print the prices of an offer.
	image := must(os.ReadFile("examples/image.jpg"))
	search := &productv1.SearchByImageRequest{PageSize: 5, Country: "japan"}
	search.ImageSource = &productv1.SearchByImageRequest_Image{Image: image}
	detail := &productv1.GetProductDetailRequest{Country: "japan"}
	for page, err := range client.Pages(ctx, products.SearchByImage, search) {
		detail.OfferId = must(page, err).GetOffers()[0].GetOfferId()
		fmt.Println("page", page.GetPage(), "begins with", detail.GetOfferId())
		if page.GetPage() == 3 {
			break
		}
	}
	for _, sku := range must(products.GetProductDetail(ctx, detail)).GetProduct().GetProductSkuInfos() {
		fmt.Println("SKU", sku.GetSkuId(), client.FormatMoney(sku.GetPrice()), sku.GetSkuAttributes()[0].GetValueTrans())
	}

	// Register a buyer, twice.
	buyer := &accountv1.CountryAccount{
		Country: "japan", Site: "sniff", OutLoginName: "go", OutMemberId: "go-1", Email: "go@example.com",
		Mobile: "+81 90 1234 5678", MobileArea: "JP", Ip: "203.0.113.7",
	}
	for range 2 {
		request := &accountv1.RegisterUserRequest{RequestId: client.NewRequestID(), CountryAccount: buyer}
		_, err := accounts.RegisterUser(ctx, request)
		if details := client.ParseError(err); details == nil {
			fmt.Println("registered")
		} else if details.Reason == errorsv1.ErrorReason_ERROR_REASON_ACCOUNT_EXISTS {
			fmt.Println("registered already")
		} else {
			panic(err)
		}
	}

	// Sync an order, then its new status, then which entry of the purchase order was bought for which sub-order.
	orderID := callSandbox("orders", "{}").ID
	read := &ordersyncv1.GetPurchaseOrderRequest{CbuOrderId: orderID}
	bought := must(orders.GetPurchaseOrder(ctx, read)).GetPurchaseOrder()
	order := &ordersyncv1.Order{
		NationalOrderId: "2001", OutMemberId: "go-1", CreateTime: now, PayTime: now, PaidFee: bought.GetTotalAmount(),
		PayStatus: ordersyncv1.DownstreamOrderStatus_DOWNSTREAM_ORDER_STATUS_PAID,
	}
	relations := &ordersyncv1.WriteOrderRelationsRequest{}
	for i, entry := range bought.GetEntries() {
		subOrderID := fmt.Sprintf("2001%d", i+1)
		order.SubOrders = append(order.SubOrders, &ordersyncv1.SubOrder{
			NationalSubOrderId: subOrderID, OfferId: entry.GetOfferId(), ProductName: entry.GetSubject(),
			SkuId: entry.GetSkuId(), SkuName: entry.GetSkuAttributes()[0].GetValue(), PaidFee: entry.GetLineAmount(),
			BuyAmount:    must(strconv.ParseInt(entry.GetQuantity().GetValue(), 10, 64)),
			RefundStatus: ordersyncv1.DownstreamRefundStatus_DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED,
		})
		relations.Relations = append(relations.Relations, &ordersyncv1.OrderRelation{
			NationalOrderId: "2001", NationalSubOrderId: subOrderID,
			CbuOrderId: orderID, CbuOrderEntryId: entry.GetCbuOrderEntryId(),
		})
	}
	must(orders.SyncOrder(ctx, &ordersyncv1.SyncOrderRequest{RequestId: client.NewRequestID(), Order: order}))
	success := ordersyncv1.DownstreamOrderStatus_DOWNSTREAM_ORDER_STATUS_SUCCESS
	status := &ordersyncv1.OrderStatusUpdate{NationalOrderId: "2001", PayStatus: success, EndTime: now}
	must(orders.SyncOrderStatus(ctx, &ordersyncv1.SyncOrderStatusRequest{OrderStatus: status}))
	callSandbox("faults", `{"operation": "order.relation.write", "fault": {"gateway_error": "gw.APIACLDecline"}}`)
	for relation, details := range client.PairResults(relations, must(orders.WriteOrderRelations(ctx, relations))) {
		fmt.Println(relation.GetNationalSubOrderId(), cmp.Or(details, &client.ErrorDetails{ReasonName: "OK"}).ReasonName)
	}

	// Consume messages for a minute. Meanwhile the order is paid, shipped and received.
	for _, step := range []string{"pay", "ship", "receive"} {
		callSandbox(fmt.Sprintf("orders/%d/%s", orderID, step), "{}")
	}
	handle := func(_ context.Context, message *ordersyncv1.Message) error {
		fmt.Println(message.GetTopic(), message.GetOrder().GetCbuOrderId())
		return nil
	}
	consumer := client.Consumer{Conn: orderConn, Subscription: "shop-go", Handle: handle}
	consumer.CreateIfMissing = &ordersyncv1.SubscriptionSpec{StartTime: now}
	consumeCtx, stop := context.WithTimeout(ctx, must(time.ParseDuration(append(os.Args[1:], "60")[0]+"s")))
	defer stop()
	must(0, consumer.Run(consumeCtx))

	// Request a refund with a voucher.
	entryIDs := []int64{bought.GetEntries()[0].GetCbuOrderEntryId()}
	received := ordersyncv1.GoodsStatus_GOODS_STATUS_REFUND_BUYER_RECEIVED
	goods := &ordersyncv1.ListRefundReasonsRequest{CbuOrderId: orderID, CbuOrderEntryIds: entryIDs, GoodsStatus: received}
	reasons := must(orders.ListRefundReasons(ctx, goods)).GetReasons()
	voucher := must(orders.UploadRefundVoucher(ctx, &ordersyncv1.UploadRefundVoucherRequest{Image: image}))
	refund := &ordersyncv1.CreateRefundRequest{
		RequestId: client.NewRequestID(), CbuOrderId: orderID, CbuOrderEntryIds: entryIDs, GoodsStatus: received,
		DisputeRequest: ordersyncv1.DisputeKind_DISPUTE_KIND_RETURN_REFUND, Description: "wrong colour",
		ApplyPayment: bought.GetEntries()[0].GetLineAmount(), ApplyCarriage: must(client.ParseMoney("0", "CNY")),
		ApplyReasonId: reasons[slices.IndexFunc(reasons, (*ordersyncv1.RefundReason).GetNeedVoucher)].GetReasonId(),
		Vouchers:      []string{voucher.GetVoucherUrl()},
	}
	fmt.Println("refund", must(orders.CreateRefund(ctx, refund)).GetRefundId())

	// Enqueue a delivery and wait for its end.
	sync := &ordersyncv1.OrderRelations{Relations: relations.Relations}
	enqueue := &ordersyncv1.EnqueueSyncRequest{RequestId: client.NewRequestID()}
	enqueue.Sync = &ordersyncv1.EnqueueSyncRequest_Relations{Relations: sync}
	deliveryID := must(orders.EnqueueSync(ctx, enqueue)).GetDelivery().GetDeliveryId()
	delivery := must(client.WaitForDelivery(ctx, orders, deliveryID))
	fmt.Println(delivery.GetState(), delivery.GetAttempts())

	// Handle errors: one that retries overcome, and one after which only 1688 knows what happened.
	callSandbox("faults", `{"operation": "product.search.keywordQuery", "times": 3, "fault": {"status": 503}}`)
	dresses := &productv1.SearchByKeywordRequest{Keyword: "dress", Country: "japan"}
	fmt.Println("found", must(client.CallWithRetries(ctx, products.SearchByKeyword, dresses)).GetTotalSize())
	callSandbox("faults", `{"operation": "alibaba.alipay.url.get", "fault": {"drop": "after_request"}}`)
	link := &ordersyncv1.CreateAlipayUrlRequest{RequestId: client.NewRequestID(), CbuOrderIds: []int64{orderID}}
	_, err := client.CallWithRetries(ctx, orders.CreateAlipayUrl, link)
	fmt.Println(client.ParseError(err).ReasonName) // ERROR_REASON_OUTCOME_UNKNOWN: 1688 may have made the link
}
