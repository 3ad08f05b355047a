package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"nationalsite.internal/client"
	errorsv1 "nationalsite.internal/go/errors/v1"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

var (
	pending  = &ordersyncv1.Delivery{State: ordersyncv1.DeliveryState_DELIVERY_STATE_PENDING}
	finished = &ordersyncv1.Delivery{
		State:      ordersyncv1.DeliveryState_DELIVERY_STATE_DEAD,
		FinishTime: timestamppb.New(time.Unix(1, 0)),
	}
	draining = &callError{Code: "UNAVAILABLE", Reason: "ERROR_REASON_DRAINING", RetryDelayMS: new(int64(1))}
)

func TestWaitThroughAnOutage(t *testing.T) {
	server := &scriptedServer{
		errors:   []*callError{nil, draining, draining, draining, draining},
		delivery: []*ordersyncv1.Delivery{pending, pending, finished},
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	delivery, err := client.WaitForDelivery(ctx, server.start(t), "d-1")
	if err != nil || delivery.GetState() != finished.GetState() || len(server.calls) != 7 {
		t.Errorf("%v, %v after %d calls", delivery, err, len(server.calls))
	}
	for _, call := range server.calls {
		request := call.request.(*ordersyncv1.GetDeliveryRequest)
		if request.GetDeliveryId() != "d-1" || request.GetWait().AsDuration() != 20*time.Second {
			t.Error(request)
		}
	}
}

func TestWaitEndsWithTheContext(t *testing.T) {
	notFound := &callError{Code: "NOT_FOUND", Reason: "ERROR_REASON_DELIVERY_NOT_FOUND"}
	slow := &callError{Code: "UNAVAILABLE", Reason: "ERROR_REASON_STORE_UNAVAILABLE", RetryDelayMS: new(int64(60_000))}
	for name, test := range map[string]struct {
		timeout time.Duration
		err     *callError
		want    error
		reason  errorsv1.ErrorReason
	}{
		"pending":         {timeout: 400 * time.Millisecond, want: context.DeadlineExceeded},
		"outage":          {timeout: testTimeout, err: slow, want: context.DeadlineExceeded, reason: errorsv1.ErrorReason_ERROR_REASON_STORE_UNAVAILABLE},
		"permanent error": {timeout: testTimeout, err: notFound, reason: errorsv1.ErrorReason_ERROR_REASON_DELIVERY_NOT_FOUND},
	} {
		t.Run(name, func(t *testing.T) {
			server := &scriptedServer{errors: []*callError{test.err}, delivery: []*ordersyncv1.Delivery{pending}}
			ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
			defer cancel()
			delivery, err := client.WaitForDelivery(ctx, server.start(t), "d-1")
			if delivery != nil || err == nil || (test.want != nil) != errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, %v", delivery, err)
			}
			if got := client.ParseError(err).Reason; got != test.reason {
				t.Errorf("got %s, want %s", got, test.reason)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.WaitForDelivery(ctx, new(scriptedServer).start(t), "d-1"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
