package client

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

const mostIDs = 1000 // in one request

// outbox has what a consumer is going to say on its stream. Acknowledgements survive the stream, which gathers
// them; leases do not: they end with it.
type outbox struct {
	mu      sync.Mutex
	acks    []string
	leases  []*ordersyncv1.StreamMessagesRequest
	changed chan struct{} // has room for one; each of them lets one speaker look again
	closed  chan struct{}
}

func newOutbox() *outbox {
	return &outbox{changed: make(chan struct{}, 1), closed: make(chan struct{})}
}

// ack acknowledges a message, on this stream or the next one.
func (o *outbox) ack(messageID string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.acks = append(o.acks, messageID)
	o.tell()
}

// setLease lets leases of this stream end so much later; 0 gives the messages back.
func (o *outbox) setLease(messageIDs []string, lease time.Duration) {
	said := &ordersyncv1.StreamMessagesRequest_SetLease{MessageIds: messageIDs, Lease: durationpb.New(lease)}
	request := &ordersyncv1.StreamMessagesRequest{
		Request: &ordersyncv1.StreamMessagesRequest_SetLease_{SetLease: said},
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leases = append(o.leases, request)
	o.tell()
}

// begin begins another stream.
func (o *outbox) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leases = nil
}

// close says no more than what is here.
func (o *outbox) close() { close(o.closed) }

func (o *outbox) isClosed() bool {
	select {
	case <-o.closed:
		return true
	default:
		return false
	}
}

// done tells whether it is closed, and nothing is left that has to be said.
func (o *outbox) done() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.isClosed() && len(o.acks) == 0
}

// next returns what is to be said now; nil: no more, or the stream has ended.
func (o *outbox) next(ctx context.Context) *ordersyncv1.StreamMessagesRequest {
	for {
		closed := o.isClosed()
		if request := o.take(); request != nil || closed {
			return request
		}
		select {
		case <-o.changed:
		case <-o.closed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (o *outbox) take() *ordersyncv1.StreamMessagesRequest {
	o.mu.Lock()
	defer o.mu.Unlock()
	if count := min(len(o.acks), mostIDs); count > 0 {
		ack := &ordersyncv1.StreamMessagesRequest_Ack{MessageIds: o.acks[:count:count]}
		o.acks = o.acks[count:]
		return &ordersyncv1.StreamMessagesRequest{Request: &ordersyncv1.StreamMessagesRequest_Ack_{Ack: ack}}
	}
	if len(o.leases) > 0 {
		request := o.leases[0]
		o.leases = o.leases[1:]
		return request
	}
	return nil
}

func (o *outbox) tell() {
	select {
	case o.changed <- struct{}{}:
	default:
	}
}
