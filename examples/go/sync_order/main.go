// Syncs an order to 1688 with a direct call, and its purchase order with a durable delivery.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"nationalsite.internal/client"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

func main() {
	conn, err := client.Connect(cmp.Or(os.Getenv("NATIONALSITE_ORDER_SYNC"), "127.0.0.1:50052"), client.OrderSync)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	orders := ordersyncv1.NewOrderSyncServiceClient(conn)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := syncOrder(ctx, orders); err != nil {
		log.Fatal(err)
	}
	if err := enqueueRelation(ctx, orders); err != nil {
		log.Fatal(err)
	}
}

// syncOrder syncs an order. The request id makes the call safe to retry if its outcome is unknown.
func syncOrder(ctx context.Context, orders ordersyncv1.OrderSyncServiceClient) error {
	now := timestamppb.Now()
	paidFee, err := client.ParseMoney("3.14", "CNY")
	if err != nil {
		return err
	}
	order := &ordersyncv1.Order{
		NationalOrderId: "4590347523948370",
		CreateTime:      now,
		PayTime:         now,
		PayStatus:       ordersyncv1.DownstreamOrderStatus_DOWNSTREAM_ORDER_STATUS_PAID,
		OutMemberId:     "1212113",
		PaidFee:         paidFee,
		SubOrders: []*ordersyncv1.SubOrder{{
			NationalSubOrderId: "4590347523948375",
			RefundStatus:       ordersyncv1.DownstreamRefundStatus_DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED,
			OfferId:            620201390233,
			ProductName:        "夏季新款碎花连衣裙女",
			SkuId:              5104790281451,
			SkuName:            "绿色;均码",
			BuyAmount:          2,
			PaidFee:            paidFee,
		}},
	}
	request := &ordersyncv1.SyncOrderRequest{RequestId: client.NewRequestID(), Order: order}
	if _, err := orders.SyncOrder(ctx, request); err != nil {
		return err
	}
	fmt.Println("synced", order.GetNationalOrderId())
	return nil
}

// enqueueRelation syncs the relation to its purchase order. The delivery survives outages and restarts.
func enqueueRelation(ctx context.Context, orders ordersyncv1.OrderSyncServiceClient) error {
	// [snippet enqueue]
	relation := &ordersyncv1.OrderRelation{
		NationalOrderId:    "4590347523948370",
		NationalSubOrderId: "4590347523948375",
		CbuOrderId:         3209572465452730,
		CbuOrderEntryId:    3209572465452734,
	}
	relations := &ordersyncv1.OrderRelations{Relations: []*ordersyncv1.OrderRelation{relation}}
	enqueueResponse, err := orders.EnqueueSync(ctx, &ordersyncv1.EnqueueSyncRequest{
		RequestId: client.NewRequestID(), // store it: a retry with it returns the same delivery
		Sync:      &ordersyncv1.EnqueueSyncRequest_Relations{Relations: relations},
	})
	if err != nil {
		return err
	}
	delivery, err := client.WaitForDelivery(ctx, orders, enqueueResponse.GetDelivery().GetDeliveryId())
	if err != nil {
		return err
	}
	fmt.Println(delivery.GetState(), delivery.GetAttempts()) // DELIVERY_STATE_DELIVERED 1
	// [/snippet]
	return nil
}
