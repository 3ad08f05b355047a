package client

import (
	"context"

	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

type receivedMessageKey struct{}

// ReceivedMessageFromContext returns the delivery for which a Consumer has called a handler, from the handler's
// context: its number (delivery_attempt) and the end of its lease before the consumer extends it (lease_expire_time).
// It returns nil for other contexts.
func ReceivedMessageFromContext(ctx context.Context) *ordersyncv1.ReceivedMessage {
	received, _ := ctx.Value(receivedMessageKey{}).(*ordersyncv1.ReceivedMessage)
	return received
}

func withReceivedMessage(ctx context.Context, received *ordersyncv1.ReceivedMessage) context.Context {
	return context.WithValue(ctx, receivedMessageKey{}, received)
}
