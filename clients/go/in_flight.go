package client

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// ErrLeaseLapsed is the cause of a handler's cancelled context if the lease of its message has lapsed.
var ErrLeaseLapsed = errors.New("client: the lease of the message has lapsed")

// maxRememberedIDs bounds how many handled messages are remembered, in case their acknowledgements were lost with
// a stream. It is twice the largest MaxOutstanding.
const maxRememberedIDs = 2000

// inFlightMessages are the messages that a consumer works on. It runs one handler for each message, acknowledges
// the message afterwards, and releases it if the handler failed.
type inFlightMessages struct {
	consumer   *Consumer
	requests   *requestQueue
	handlerCtx context.Context // parent of every handler's context
	closing    chan struct{}
	handlers   sync.WaitGroup

	mu           sync.Mutex
	closed       bool
	messages     map[string]*inFlightMessage // by message id
	waiting      []*inFlightMessage          // those of messages that have no handler yet, the oldest first
	running      int                         // how many of messages have a handler
	handled      map[string]string           // message id to the ack id of the last delivery
	handledOrder []string                    // keys of handled, the oldest first
}

// inFlightMessage is a message that a handler works on, or that waits until another handler returns. The service
// delivers at most MaxOutstanding messages at a time, but it does not know of handlers whose lease has ended.
type inFlightMessage struct {
	content *ordersyncv1.Message
	// received is the last delivery.
	received *ordersyncv1.ReceivedMessage
	// leased is true if the current stream holds the lease.
	leased bool
	// lapsed is true if the service has reported that the lease had ended.
	lapsed bool
	// extendUntil is when the consumer stops extending the lease. A handler may run longer than that.
	extendUntil time.Time
	// cancel cancels the context of the handler. It is nil if no handler runs.
	cancel context.CancelCauseFunc
}

func (m *inFlightMessage) id() string { return m.content.GetMessageId() }

func newInFlightMessages(
	handlerCtx context.Context, consumer *Consumer, requests *requestQueue,
) *inFlightMessages {
	return &inFlightMessages{
		consumer:   consumer,
		requests:   requests,
		handlerCtx: handlerCtx,
		closing:    make(chan struct{}),
		messages:   map[string]*inFlightMessage{},
		handled:    map[string]string{},
	}
}

// resetLeases is called at the end of a stream: the leases end with it, and the service may deliver again what is in
// flight.
func (f *inFlightMessages) resetLeases() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, message := range f.messages {
		message.leased = false
	}
	f.dropWaiting(func(*inFlightMessage) bool { return true })
}

// submit starts a handler for a message, if necessary after another handler has returned. A redelivered message gets
// no second handler: if it is in flight, the new lease replaces the old one; if it was handled, it is acknowledged
// again.
func (f *inFlightMessages) submit(received *ordersyncv1.ReceivedMessage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := received.GetMessage().GetMessageId()
	if _, handled := f.handled[id]; handled {
		f.handled[id] = received.GetAckId()
		f.requests.ack(received.GetAckId())
		return
	}
	if message, inFlight := f.messages[id]; inFlight {
		message.received, message.leased, message.lapsed = received, true, false
		return
	}
	if f.closed {
		return // the service redelivers the message when the stream ends
	}
	message := &inFlightMessage{content: received.GetMessage(), received: received, leased: true}
	message.extendUntil = time.Now().Add(f.consumer.HandlerTimeout)
	f.messages[id] = message
	f.waiting = append(f.waiting, message)
	f.startHandlers()
}

// lapse ends the work on messages whose leases the service has reported as ended.
func (f *inFlightMessages) lapse(ackIDs []string) {
	lapsed := make(map[string]bool, len(ackIDs))
	for _, ackID := range ackIDs {
		lapsed[ackID] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, message := range f.messages {
		if !lapsed[message.received.GetAckId()] {
			continue
		}
		message.leased, message.lapsed = false, true
		if message.cancel != nil {
			message.cancel(ErrLeaseLapsed)
			f.log("lease_lapsed", message)
		}
	}
	f.dropWaiting(func(message *inFlightMessage) bool { return message.lapsed })
	for id, ackID := range f.handled {
		if lapsed[ackID] {
			f.consumer.Logger.Warn("ack_lapsed", slog.String("message_id", id))
		}
	}
}

// extendLeases extends leases until ctx, which is that of a stream, ends.
func (f *inFlightMessages) extendLeases(ctx context.Context) {
	ticker := time.NewTicker(f.consumer.Lease / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			f.requests.setLease(f.ackIDsToExtend(), f.consumer.Lease)
		case <-ctx.Done():
			return
		}
	}
}

// ackIDsToExtend returns the ack ids of all messages whose lease to extend. It releases messages that have waited for
// too long.
func (f *inFlightMessages) ackIDsToExtend() []string {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dropWaiting(func(message *inFlightMessage) bool { return now.After(message.extendUntil) })
	var ackIDs []string
	for _, message := range f.messages {
		if message.leased && now.Before(message.extendUntil) {
			ackIDs = append(ackIDs, message.received.GetAckId())
		}
	}
	return ackIDs
}

// close accepts no more messages and starts no more handlers. Failed messages are released at once.
func (f *inFlightMessages) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		close(f.closing)
		f.dropWaiting(func(*inFlightMessage) bool { return true })
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

// startHandlers starts handlers for messages that wait, up to MaxOutstanding.
func (f *inFlightMessages) startHandlers() {
	for len(f.waiting) > 0 && f.running < f.consumer.MaxOutstanding {
		message := f.waiting[0]
		f.waiting = f.waiting[1:]
		f.running++
		message.extendUntil = time.Now().Add(f.consumer.HandlerTimeout)
		ctx, cancel := context.WithCancelCause(withReceivedMessage(f.handlerCtx, message.received))
		message.cancel = cancel
		f.handlers.Go(func() {
			defer cancel(nil)
			f.process(ctx, message)
		})
	}
}

// dropWaiting releases messages that wait.
func (f *inFlightMessages) dropWaiting(isDropped func(*inFlightMessage) bool) {
	var ackIDs []string
	f.waiting = slices.DeleteFunc(f.waiting, func(message *inFlightMessage) bool {
		if !isDropped(message) {
			return false
		}
		delete(f.messages, message.id())
		if message.leased {
			ackIDs = append(ackIDs, message.received.GetAckId())
		}
		return true
	})
	f.requests.setLease(ackIDs, 0)
}

func (f *inFlightMessages) process(ctx context.Context, message *inFlightMessage) {
	handlerCtx, cancel := context.WithTimeout(ctx, f.consumer.HandlerTimeout)
	err := f.consumer.Handle(handlerCtx, message.content)
	cancel()
	if err != nil {
		if !errors.Is(context.Cause(ctx), ErrLeaseLapsed) {
			f.log("handler_failed", message, slog.Any("error", err))
		}
		f.delayRelease(message)
	}
	f.finish(message, err == nil)
}

// delayRelease waits before a failed message is released. The service redelivers a released message at once, and
// dead-letters it after ten deliveries.
func (f *inFlightMessages) delayRelease(message *inFlightMessage) {
	f.mu.Lock()
	delay := backoffDelay(int(message.received.GetDeliveryAttempt()))
	message.extendUntil = time.Now().Add(delay)
	message.cancel = nil
	f.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-f.closing:
	}
}

// finish acknowledges a handled message, or releases a failed one, and starts the next handler.
func (f *inFlightMessages) finish(message *inFlightMessage, handled bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.messages, message.id())
	ackID := message.received.GetAckId()
	if handled {
		f.remember(message.id(), ackID)
	}
	switch {
	case handled && !message.lapsed:
		f.requests.ack(ackID)
	case !handled && message.leased:
		f.requests.setLease([]string{ackID}, 0)
	}
	f.running--
	f.startHandlers()
}

func (f *inFlightMessages) remember(messageID, ackID string) {
	f.handled[messageID] = ackID
	f.handledOrder = append(f.handledOrder, messageID)
	if len(f.handledOrder) > maxRememberedIDs {
		delete(f.handled, f.handledOrder[0])
		f.handledOrder = f.handledOrder[1:]
	}
}

func (f *inFlightMessages) log(event string, message *inFlightMessage, attributes ...any) {
	topic := slog.String("topic", message.content.GetTopic())
	f.consumer.Logger.Warn(event, append([]any{slog.String("message_id", message.id()), topic}, attributes...)...)
}
