package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// closeTimeout is how long the last acknowledgements may take, and how long handlers may take to return after
// their context was cancelled.
const closeTimeout = 5 * time.Second

// A Consumer calls Handle with each message of a subscription, and acknowledges the message when Handle returns nil.
//
// A message can be delivered more than once, even to two processes at the same time: make Handle idempotent by
// message_id. If Handle returns an error, the consumer waits, releases the message, and the service redelivers it;
// after ten deliveries the message is dead-lettered. A broken stream is reopened with exponential backoff. Handlers
// continue meanwhile, and their messages are acknowledged on the next stream. A handler that panics ends the
// program, like any goroutine.
//
// A lease can end although the consumer extends it, for example if the service cannot reach its store in time. When
// the service reports this, the consumer cancels the handler's context, and neither extends the lease nor
// acknowledges or releases the message: another consumer may have it now.
//
// Fields that are not required have a default, which is used for their zero value. The comments of
// OrderSyncService in the protos state the limits.
type Consumer struct {
	// Conn is a channel to order sync. Required.
	Conn grpc.ClientConnInterface
	// Subscription is the name of the subscription. Required.
	Subscription string
	// Handle handles one message. Required. Up to MaxOutstanding calls run concurrently. Its context ends after
	// HandlerTimeout, when StopGrace has passed since the context of Run ended, or when the lease has lapsed:
	// context.Cause(ctx) is then ErrLeaseLapsed. ReceivedMessageFromContext(ctx) returns the number of the attempt
	// and when the lease ends.
	Handle func(ctx context.Context, message *ordersyncv1.Message) error
	// CreateIfMissing creates the subscription if it does not exist. An empty SubscriptionSpec creates one with all
	// topics and only new messages. Default: Run returns SUBSCRIPTION_NOT_FOUND if the subscription does not exist.
	CreateIfMissing *ordersyncv1.SubscriptionSpec
	// MaxOutstanding is the maximum number of messages in flight, 1 to 1,000. Default: 10.
	MaxOutstanding int
	// Lease is the time after which the service redelivers the messages of a consumer that died, 10 seconds to
	// 10 minutes. The consumer extends it while a handler runs. Default: 1 minute.
	Lease time.Duration
	// HandlerTimeout is how long a handler may take. If a handler runs longer, the consumer stops extending the
	// lease and the service redelivers the message; the slot is free only when the handler returns. A message that
	// waits longer than this for a slot is released. Default: 10 minutes.
	HandlerTimeout time.Duration
	// StopGrace is how long handlers may continue after the context of Run has ended. Default: 25 seconds.
	StopGrace time.Duration
	// Logger gets broken streams, failed handlers and lapsed leases. Default: slog.Default().
	Logger *slog.Logger
}

// Run consumes messages until ctx ends. Then it starts no more handlers, waits up to StopGrace for those that run,
// acknowledges their messages, and returns nil. It returns an error if no retry can help, for example if the caller
// is not authorized or the subscription does not exist, and if handlers do not return.
func (c Consumer) Run(ctx context.Context) error {
	consumer, err := c.withDefaults()
	if err != nil {
		return err
	}
	// Handlers and the stream outlive ctx, to finish what they have started.
	handlerCtx, cancelHandlers := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelHandlers()
	streamCtx, cancelStream := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelStream()
	requests := newRequestQueue()
	inFlight := newInFlightMessages(handlerCtx, consumer, requests)
	streamLoop := newStreamLoop(consumer, inFlight, requests)
	streamDone := make(chan struct{})
	go func() {
		defer close(streamDone)
		err = streamLoop.run(streamCtx)
	}()
	select {
	case <-ctx.Done():
	case <-streamDone:
	}
	inFlight.close()
	if !inFlight.wait(consumer.StopGrace) {
		cancelHandlers()
		inFlight.wait(closeTimeout)
	}
	requests.close()
	defer time.AfterFunc(closeTimeout, cancelStream).Stop()
	<-streamDone
	if running := inFlight.count(); running > 0 {
		return errors.Join(err, fmt.Errorf("client: %d handlers did not return", running))
	}
	return err
}

// withDefaults returns a copy with all defaults, or an error if the service would reject the options.
func (c Consumer) withDefaults() (*Consumer, error) {
	if c.Conn == nil || c.Subscription == "" || c.Handle == nil {
		return nil, errors.New("client: a Consumer needs Conn, Subscription and Handle")
	}
	c.MaxOutstanding = cmp.Or(c.MaxOutstanding, 10)
	c.Lease = cmp.Or(c.Lease, time.Minute)
	c.HandlerTimeout = cmp.Or(c.HandlerTimeout, 10*time.Minute)
	c.StopGrace = cmp.Or(c.StopGrace, 25*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.MaxOutstanding < 1 || c.MaxOutstanding > 1000 {
		return nil, fmt.Errorf("client: MaxOutstanding must be from 1 to 1000, not %d", c.MaxOutstanding)
	}
	if c.Lease < 10*time.Second || c.Lease > 10*time.Minute {
		return nil, fmt.Errorf("client: Lease must be from 10s to 10m, not %s", c.Lease)
	}
	return &c, nil
}
