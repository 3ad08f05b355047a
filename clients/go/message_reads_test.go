package client_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"nationalsite.internal/client"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

func TestReadsAfterAMessage(t *testing.T) {
	order := &ordersyncv1.Message_Order{Order: &ordersyncv1.OrderEvent{CbuOrderId: proto.Int64(7)}}
	items := []*ordersyncv1.OrderLogsItem{
		{CbuOrderId: proto.Int64(7), CbuOrderEntryId: proto.Int64(1)},
		{CbuOrderId: proto.Int64(7), CbuOrderEntryId: proto.Int64(2)},
		{CbuOrderId: proto.Int64(8)},
		{},
	}
	readOrder := &ordersyncv1.GetPurchaseOrderRequest{CbuOrderId: 7}
	listShipments := &ordersyncv1.ListShipmentsRequest{CbuOrderId: 7}
	for name, test := range map[string]struct {
		message *ordersyncv1.Message
		want    []proto.Message
	}{
		"shipped": {
			&ordersyncv1.Message{Topic: "ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS", Payload: order},
			[]proto.Message{listShipments, readOrder},
		},
		"paid": {
			&ordersyncv1.Message{Topic: "ORDER_BUYER_VIEW_ORDER_PAY", Payload: order},
			[]proto.Message{readOrder},
		},
		"newer topic": {
			&ordersyncv1.Message{Topic: "A_NEWER_TOPIC", Payload: order},
			[]proto.Message{readOrder},
		},
		"refund": {
			&ordersyncv1.Message{Payload: &ordersyncv1.Message_Refund{
				Refund: &ordersyncv1.RefundEvent{CbuOrderId: proto.Int64(7), RefundId: proto.String("TQ1")},
			}},
			[]proto.Message{&ordersyncv1.GetRefundRequest{RefundId: "TQ1"}, readOrder},
		},
		"batch": {
			&ordersyncv1.Message{Payload: &ordersyncv1.Message_BatchPay{
				BatchPay: &ordersyncv1.BatchPayEvent{Results: []*ordersyncv1.BatchPayResult{
					{CbuOrderId: proto.Int64(7)}, {Status: proto.String("ACCOUNT_FROZEN")}, {CbuOrderId: proto.Int64(7)},
				}},
			}},
			[]proto.Message{readOrder},
		},
		"trace": {
			&ordersyncv1.Message{Payload: &ordersyncv1.Message_LogisticsTrace{
				LogisticsTrace: &ordersyncv1.LogisticsTraceEvent{
					CbuLogisticsId: proto.String("LP1"), OrderLogsItems: items[:1],
				},
			}},
			[]proto.Message{&ordersyncv1.ListShipmentTracesRequest{CbuOrderId: 7, CbuLogisticsId: "LP1"}},
		},
		"mail number": {
			&ordersyncv1.Message{Payload: &ordersyncv1.Message_MailNoChange{
				MailNoChange: &ordersyncv1.MailNoChangeEvent{OrderLogsItems: items},
			}},
			[]proto.Message{listShipments, &ordersyncv1.ListShipmentsRequest{CbuOrderId: 8}},
		},
	} {
		reads := client.ListMessageReads(test.message)
		isWanted := func(read client.MessageRead, want proto.Message) bool {
			return read.RPC+"Request" == string(want.ProtoReflect().Descriptor().Name()) && proto.Equal(read.Request, want)
		}
		if !slices.EqualFunc(reads, test.want, isWanted) {
			t.Errorf("%s: got %v, want %v", name, reads, test.want)
		}
	}
}

func TestMessagesWithoutIDsHaveNoReads(t *testing.T) {
	for _, message := range []*ordersyncv1.Message{
		nil,
		{Topic: "SYSTEM_TEST_PLATFORM"},
		{Payload: &ordersyncv1.Message_Order{}},
		{Payload: &ordersyncv1.Message_Order{Order: &ordersyncv1.OrderEvent{CbuOrderId: proto.Int64(0)}}},
		{Payload: &ordersyncv1.Message_Refund{Refund: &ordersyncv1.RefundEvent{RefundId: proto.String("")}}},
		{Payload: &ordersyncv1.Message_BatchPay{BatchPay: &ordersyncv1.BatchPayEvent{
			Results: []*ordersyncv1.BatchPayResult{{Status: proto.String("successed")}},
		}}},
		{Payload: &ordersyncv1.Message_LogisticsTrace{LogisticsTrace: &ordersyncv1.LogisticsTraceEvent{
			CbuLogisticsId: proto.String("LP1"),
		}}},
	} {
		if reads := client.ListMessageReads(message); len(reads) > 0 {
			t.Error(fmt.Sprint(message), reads)
		}
	}
}
