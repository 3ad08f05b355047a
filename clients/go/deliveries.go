package client

import (
	"context"
	"fmt"
	"math"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

const (
	maxWait = 20 * time.Second // of GetDelivery
	// The service returns a little before the deadline of a call: it does not wait in a call that is shorter.
	minWait = 500 * time.Millisecond
)

// WaitForDelivery returns a delivery when it is finished: delivered, dead or cancelled.
//
// It retries temporary errors. Its error wraps that of ctx if the delivery is not finished before ctx ends, and is
// the error of the call if no retry can help, for example DELIVERY_NOT_FOUND.
func WaitForDelivery(
	ctx context.Context, orders ordersyncv1.OrderSyncServiceClient, deliveryID string,
) (*ordersyncv1.Delivery, error) {
	for {
		request := &ordersyncv1.GetDeliveryRequest{DeliveryId: deliveryID, Wait: durationpb.New(remaining(ctx, maxWait))}
		response, err := CallWithRetries(ctx, orders.GetDelivery, request, WithMaxAttempts(math.MaxInt))
		if err != nil {
			return nil, waitError(ctx, deliveryID, err)
		}
		if delivery := response.GetDelivery(); delivery.GetFinishTime() != nil {
			return delivery, nil
		}
		if remaining(ctx, maxWait) < minWait {
			return nil, notFinished(deliveryID, context.DeadlineExceeded)
		}
	}
}

// remaining returns the time until the deadline of ctx, but at most limit.
func remaining(ctx context.Context, limit time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(0, min(limit, time.Until(deadline)))
	}
	return limit
}

// waitError returns the error of ctx if the call has run out of time, or else the error of the call.
func waitError(ctx context.Context, deliveryID string, err error) error {
	if ctx.Err() != nil {
		return notFinished(deliveryID, ctx.Err())
	}
	if details := ParseError(err); details.MayRepeat() || details.Code == codes.DeadlineExceeded {
		return fmt.Errorf("%w: %w", notFinished(deliveryID, context.DeadlineExceeded), err)
	}
	return err
}

func notFinished(deliveryID string, cause error) error {
	return fmt.Errorf("client: delivery %s is not finished: %w", deliveryID, cause)
}
