package client

import (
	"context"
	"log/slog"
	"sync"
	"time"

	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// maxRememberedIDs bounds how many handled messages are remembered, in case their acknowledgements were lost with
// a stream. It is twice the largest MaxOutstanding.
const maxRememberedIDs = 2000

// inFlightMessages are the messages that a consumer works on. It runs one handler for each message, acknowledges
// the message afterwards, and releases it if the handler failed.
type inFlightMessages struct {
	consumer   *Consumer
	requests   *requestQueue
	handlerCtx context.Context // parent of every handler's context
	slots      chan struct{}   // semaphore: one element for each message in flight
	closing    chan struct{}
	handlers   sync.WaitGroup

	mu           sync.Mutex
	closed       bool
	messages     map[string]*inFlightMessage
	handledIDs   map[string]struct{}
	handledOrder []string // handledIDs, the oldest first
}

type inFlightMessage struct {
	// leased is true if the current stream holds the lease. Leases of earlier streams ended with them.
	leased bool
	// extendUntil is when the consumer stops extending the lease. A handler may run longer than that.
	extendUntil time.Time
}

func newInFlightMessages(
	handlerCtx context.Context, consumer *Consumer, requests *requestQueue,
) *inFlightMessages {
	return &inFlightMessages{
		consumer:   consumer,
		requests:   requests,
		handlerCtx: handlerCtx,
		slots:      make(chan struct{}, consumer.MaxOutstanding),
		closing:    make(chan struct{}),
		messages:   map[string]*inFlightMessage{},
		handledIDs: map[string]struct{}{},
	}
}

// resetLeases prepares for a new stream: leases ended with the last one, and the service may deliver again what is
// in flight.
func (f *inFlightMessages) resetLeases() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, message := range f.messages {
		message.leased = false
	}
}

// submit starts a handler for a message as soon as a slot is free. A redelivered message gets no second handler.
// Only the goroutine that reads the stream calls submit; ctx ends with that stream.
func (f *inFlightMessages) submit(ctx context.Context, message *ordersyncv1.Message) {
	if f.isRedelivery(message.GetMessageId()) {
		return
	}
	select {
	case f.slots <- struct{}{}:
	case <-f.closing: // the service redelivers the message when the stream ends
		return
	case <-ctx.Done():
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	deadline := time.Now().Add(f.consumer.HandlerTimeout)
	f.messages[message.GetMessageId()] = &inFlightMessage{leased: true, extendUntil: deadline}
	f.handlers.Go(func() { f.process(message, deadline) })
}

// isRedelivery reports whether the message is in flight or was handled already. It takes over the new lease of the
// former, and acknowledges the latter again.
func (f *inFlightMessages) isRedelivery(messageID string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, handled := f.handledIDs[messageID]; handled {
		f.requests.ack(messageID)
		return true
	}
	message, inFlight := f.messages[messageID]
	if inFlight {
		message.leased = true
	}
	return inFlight
}

// extendLeases extends leases until ctx, which is that of a stream, ends.
func (f *inFlightMessages) extendLeases(ctx context.Context) {
	ticker := time.NewTicker(f.consumer.Lease / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if ids := f.leasedIDs(); len(ids) > 0 {
				f.requests.setLease(ids, f.consumer.Lease)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (f *inFlightMessages) leasedIDs() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for id, message := range f.messages {
		if message.leased && time.Now().Before(message.extendUntil) {
			ids = append(ids, id)
		}
	}
	return ids
}

// close accepts no more messages. Failed messages are released at once.
func (f *inFlightMessages) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		close(f.closing)
	}
}

// wait waits until no message is in flight, and reports whether that was so within the timeout.
func (f *inFlightMessages) wait(timeout time.Duration) bool {
	done := make(chan struct{})
	go func() {
		f.handlers.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(timeout):
		return false
	}
}

func (f *inFlightMessages) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.messages)
}

func (f *inFlightMessages) process(message *ordersyncv1.Message, deadline time.Time) {
	ctx, cancel := context.WithDeadline(f.handlerCtx, deadline)
	err := f.consumer.Handle(ctx, message)
	cancel()
	if err != nil {
		f.consumer.Logger.Warn(
			"handler_failed",
			slog.String("message_id", message.GetMessageId()),
			slog.String("topic", message.GetTopic()),
			slog.Any("error", err),
		)
		f.delayRelease(message)
	}
	f.finish(message.GetMessageId(), err == nil)
	<-f.slots
}

// delayRelease waits before a failed message is released. The service redelivers a released message at once, and
// dead-letters it after ten deliveries.
func (f *inFlightMessages) delayRelease(message *ordersyncv1.Message) {
	delay := backoffDelay(int(message.GetDeliveryAttempt()))
	f.mu.Lock()
	f.messages[message.GetMessageId()].extendUntil = time.Now().Add(delay)
	f.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-f.closing:
	}
}

// finish acknowledges a handled message, or releases a failed one.
func (f *inFlightMessages) finish(messageID string, handled bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case handled:
		f.remember(messageID)
		f.requests.ack(messageID)
	case f.messages[messageID].leased:
		f.requests.setLease([]string{messageID}, 0)
	}
	delete(f.messages, messageID)
}

func (f *inFlightMessages) remember(messageID string) {
	f.handledIDs[messageID] = struct{}{}
	f.handledOrder = append(f.handledOrder, messageID)
	if len(f.handledOrder) > maxRememberedIDs {
		delete(f.handledIDs, f.handledOrder[0])
		f.handledOrder = f.handledOrder[1:]
	}
}
