package client

import (
	"context"
	"log/slog"
	"sync"
	"time"

	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// remembered is how many handled messages it knows whose acknowledgement may have been lost with a stream: twice
// what can be out.
const remembered = 2000

// hand has the messages that a consumer works on. It handles each once at a time, acknowledges it afterwards,
// or gives it back where that failed.
type hand struct {
	consumer *Consumer
	outbox   *outbox
	working  context.Context // of all handlers
	room     chan struct{}   // holds one for each message in hand
	closing  chan struct{}
	running  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	held    map[string]*holding
	handled map[string]struct{}
	oldest  []string // of handled, in their order
}

type holding struct {
	// leased: by the present stream; the leases of the others ended with theirs.
	leased bool
	// until when its lease is extended. A handler that outlasts its time holds its message no longer.
	until time.Time
}

func newHand(working context.Context, consumer *Consumer, outbox *outbox) *hand {
	return &hand{
		consumer: consumer,
		outbox:   outbox,
		working:  working,
		room:     make(chan struct{}, consumer.MaxOutstanding),
		closing:  make(chan struct{}),
		held:     map[string]*holding{},
		handled:  map[string]struct{}{},
	}
}

// begin begins another stream: what is in hand may be handed out once more.
func (h *hand) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, each := range h.held {
		each.leased = false
	}
}

// take handles a message when there is room, unless it is in hand or was handled already. Only the stream, whose
// context it gets, takes.
func (h *hand) take(ctx context.Context, message *ordersyncv1.Message) {
	if h.known(message.GetMessageId()) {
		return
	}
	select {
	case h.room <- struct{}{}:
	case <-h.closing: // it is free for others when the stream ends
		return
	case <-ctx.Done():
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	until := time.Now().Add(h.consumer.HandlerTimeout)
	h.held[message.GetMessageId()] = &holding{leased: true, until: until}
	h.running.Go(func() { h.work(message, until) })
}

func (h *hand) known(messageID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, done := h.handled[messageID]; done {
		h.outbox.ack(messageID)
		return true
	}
	holding, held := h.held[messageID]
	if held {
		holding.leased = true
	}
	return held
}

// extend extends leases until the stream, whose context it gets, has ended.
func (h *hand) extend(ctx context.Context) {
	tick := time.NewTicker(h.consumer.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if ids := h.leased(); len(ids) > 0 {
				h.outbox.setLease(ids, h.consumer.Lease)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (h *hand) leased() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var ids []string
	for id, each := range h.held {
		if each.leased && time.Now().Before(each.until) {
			ids = append(ids, id)
		}
	}
	return ids
}

// close begins no more; what failed is given back at once.
func (h *hand) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.closing)
	}
}

// empty waits until nothing is in hand; false: something is, after so long.
func (h *hand) empty(within time.Duration) bool {
	done := make(chan struct{})
	go func() {
		h.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(within):
		return false
	}
}

func (h *hand) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.held)
}

func (h *hand) work(message *ordersyncv1.Message, until time.Time) {
	ctx, cancel := context.WithDeadline(h.working, until)
	err := h.consumer.Handle(ctx, message)
	cancel()
	if err != nil {
		h.consumer.Logger.Warn(
			"message could not be handled",
			slog.String("message_id", message.GetMessageId()),
			slog.String("topic", message.GetTopic()),
			slog.Any("error", err),
		)
		h.keep(message)
	}
	h.drop(message.GetMessageId(), err == nil)
	<-h.room
}

// keep keeps what failed for a while: given back it comes again at once, and is dead after ten times.
func (h *hand) keep(message *ordersyncv1.Message) {
	pause := pauseAfter(int(message.GetDeliveryAttempt()))
	h.mu.Lock()
	h.held[message.GetMessageId()].until = time.Now().Add(pause)
	h.mu.Unlock()
	select {
	case <-time.After(pause):
	case <-h.closing:
	}
}

func (h *hand) drop(messageID string, handled bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case handled:
		h.remember(messageID)
		h.outbox.ack(messageID)
	case h.held[messageID].leased:
		h.outbox.setLease([]string{messageID}, 0)
	}
	delete(h.held, messageID)
}

func (h *hand) remember(messageID string) {
	h.handled[messageID] = struct{}{}
	h.oldest = append(h.oldest, messageID)
	if len(h.oldest) > remembered {
		delete(h.handled, h.oldest[0])
		h.oldest = h.oldest[1:]
	}
}
