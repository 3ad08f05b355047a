// After each message reads the purchase order and its shipments, and syncs them, until SIGTERM.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"nationalsite.internal/client"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

var topics = []string{
	"ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS",
	"ORDER_BUYER_VIEW_ORDER_SUCCESS",
	"ORDER_BUYER_VIEW_ORDER_SELLER_CLOSE",
}

var statuses = map[ordersyncv1.PurchaseOrderState]ordersyncv1.DownstreamOrderStatus{
	ordersyncv1.PurchaseOrderState_PURCHASE_ORDER_STATE_SUCCESS:   ordersyncv1.DownstreamOrderStatus_DOWNSTREAM_ORDER_STATUS_SUCCESS,
	ordersyncv1.PurchaseOrderState_PURCHASE_ORDER_STATE_CANCELLED: ordersyncv1.DownstreamOrderStatus_DOWNSTREAM_ORDER_STATUS_CLOSED,
}

func main() {
	conn, err := client.Connect(cmp.Or(os.Getenv("NATIONALSITE_ORDER_SYNC"), "127.0.0.1:50052"), client.OrderSync)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	orders := ordersyncv1.NewOrderSyncServiceClient(conn)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	consumer := client.Consumer{
		Conn:         conn,
		Subscription: "follow-go",
		Handle: func(ctx context.Context, message *ordersyncv1.Message) error {
			return follow(ctx, orders, message)
		},
		CreateIfMissing: &ordersyncv1.SubscriptionSpec{
			Topics:    topics,
			StartTime: timestamppb.New(time.Now().Add(-time.Hour)),
		},
	}
	if err := consumer.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

// follow syncs what an order is now: a message is only a hint, and can come twice. An error redelivers it.
func follow(ctx context.Context, orders ordersyncv1.OrderSyncServiceClient, message *ordersyncv1.Message) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	orderID := message.GetOrder().GetCbuOrderId()
	read, err := orders.GetPurchaseOrder(ctx, &ordersyncv1.GetPurchaseOrderRequest{CbuOrderId: orderID})
	if err != nil {
		return err
	}
	order := read.GetPurchaseOrder()
	if order.GetOutOrderId() == "" {
		return nil // the site did not create it
	}
	list, err := orders.ListShipments(ctx, &ordersyncv1.ListShipmentsRequest{CbuOrderId: orderID})
	if err != nil {
		return err
	}
	for _, shipment := range list.GetShipments() {
		if err := syncShipment(ctx, orders, order, shipment); err != nil {
			return err
		}
	}
	if status, ok := statuses[order.GetState()]; ok {
		update := &ordersyncv1.OrderStatusUpdate{
			NationalOrderId: order.GetOutOrderId(),
			PayStatus:       status,
			EndTime:         order.GetEndTime(),
		}
		if _, err := orders.SyncOrderStatus(ctx, &ordersyncv1.SyncOrderStatusRequest{OrderStatus: update}); err != nil {
			return err
		}
	}
	fmt.Println(order.GetOutOrderId(), order.GetState(), len(list.GetShipments()))
	return nil
}

// syncShipment syncs a shipment that goes to the buyer as it is.
func syncShipment(
	ctx context.Context,
	orders ordersyncv1.OrderSyncServiceClient,
	order *ordersyncv1.PurchaseOrder,
	shipment *ordersyncv1.Shipment,
) error {
	logisticsOrder := &ordersyncv1.LogisticsOrder{
		NationalOrderId: order.GetOutOrderId(),
		LogisticsId:     shipment.GetCbuLogisticsId(),
		CreateTime:      cmp.Or(order.GetAllShippedTime(), order.GetUpdateTime()),
		LogisticsStatus: ordersyncv1.DownstreamLogisticsStatus_DOWNSTREAM_LOGISTICS_STATUS_SENT,
		Province:        "東京都", // the buyer's address, from the site's database
		City:            "渋谷区",
		Area:            "神南",
		Address:         "東京都渋谷区神南1-2-3",
	}
	_, err := orders.SyncLogisticsOrder(ctx, &ordersyncv1.SyncLogisticsOrderRequest{LogisticsOrder: logisticsOrder})
	return err
}
