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

// closeTime is how long the last acknowledgements may take, and handlers to notice that they are cancelled.
const closeTime = 5 * time.Second

// A Consumer calls Handle with each message of a subscription, and acknowledges it when Handle returns nil.
//
// A message may come twice, also at once in two processes: act by its message_id. One whose handler returns an
// error is given back after a pause, and comes again; after ten times it is dead. A stream that breaks is opened
// anew, after a pause that grows; handlers go on meanwhile, and what they have done is acknowledged on the next
// stream. A handler that panics ends the program, as any goroutine does.
//
// The zero value of what is not required is its default. OrderSyncService says what it permits.
type Consumer struct {
	// Conn is a channel to order sync. Required.
	Conn grpc.ClientConnInterface
	// Subscription is its name. Required; its first use makes it.
	Subscription string
	// Handle gets each message; as many run beside each other as are in hand. Required. Its context ends after
	// HandlerTimeout, or StopGrace after Run's.
	Handle func(ctx context.Context, message *ordersyncv1.Message) error
	// Topics of a new subscription: all.
	Topics []string
	// StartTime of a new subscription: also the messages since then. From now on.
	StartTime time.Time
	// MaxOutstanding is how many messages are in hand at once, 1 to 1,000: 10.
	MaxOutstanding int
	// Lease is how long a message stays with a consumer that dies, 10 seconds to 10 minutes: a minute. It is
	// extended while a handler runs.
	Lease time.Duration
	// HandlerTimeout is how long a handler may take: 10 minutes. The lease of one that goes on after that is no
	// longer extended; others get its message, and its place is free when it returns.
	HandlerTimeout time.Duration
	// StopGrace is how long handlers may go on after Run's context has ended: 25 seconds.
	StopGrace time.Duration
	// Logger gets broken streams and failed handlers: slog's default one.
	Logger *slog.Logger
}

// Run consumes until the context ends, and then ends what was begun: no handler is begun any more, those that
// run have StopGrace to finish, and what they did is acknowledged. Then it returns nil. It returns an error
// where no repeat helps, such as a refused identity or other topics, and where handlers do not return.
func (c Consumer) Run(ctx context.Context) error {
	consumer, err := c.completed()
	if err != nil {
		return err
	}
	// When ctx ends, handlers and streams still have something to do.
	working, cancelHandlers := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelHandlers()
	streaming, endStreams := context.WithCancel(context.WithoutCancel(ctx))
	defer endStreams()
	outbox := newOutbox()
	hand := newHand(working, consumer, outbox)
	streams := newStreams(consumer, hand, outbox)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = streams.keepOpen(streaming)
	}()
	select {
	case <-ctx.Done():
	case <-ended:
	}
	hand.close()
	if !hand.empty(consumer.StopGrace) {
		cancelHandlers()
		hand.empty(closeTime)
	}
	outbox.close()
	defer time.AfterFunc(closeTime, endStreams).Stop()
	<-ended
	if left := hand.count(); left > 0 {
		return errors.Join(err, fmt.Errorf("client: %d handlers do not return", left))
	}
	return err
}

// completed returns it with the defaults in; it refuses what the service would refuse.
func (c Consumer) completed() (*Consumer, error) {
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
