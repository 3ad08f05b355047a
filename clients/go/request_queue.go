package client

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

const maxIDsPerRequest = 1000

// requestQueue holds the requests that a consumer has still to send on its stream. Unsent
// acknowledgements are sent on the next stream. Lease changes end with their stream.
type requestQueue struct {
	mu      sync.Mutex
	acks    []string
	leases  []*ordersyncv1.StreamMessagesRequest
	changed chan struct{} // has a buffer of one: a pending wake-up for the reader
	closed  chan struct{}
}

func newRequestQueue() *requestQueue {
	return &requestQueue{changed: make(chan struct{}, 1), closed: make(chan struct{})}
}

// ack acknowledges a message, on this stream or the next one.
func (q *requestQueue) ack(ackID string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.acks = append(q.acks, ackID)
	q.notify()
}

// setLease makes leases of this stream end after the given time. 0 releases the messages.
func (q *requestQueue) setLease(ackIDs []string, lease time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for batch := range slices.Chunk(ackIDs, maxIDsPerRequest) {
		setLease := &ordersyncv1.StreamMessagesRequest_SetLease{AckIds: batch, Lease: durationpb.New(lease)}
		q.leases = append(q.leases, &ordersyncv1.StreamMessagesRequest{
			Request: &ordersyncv1.StreamMessagesRequest_SetLease_{SetLease: setLease},
		})
	}
	q.notify()
}

// resetLeases drops the lease changes of a stream that has ended.
func (q *requestQueue) resetLeases() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.leases = nil
}

// close accepts no more requests; the queued ones are still sent.
func (q *requestQueue) close() { close(q.closed) }

func (q *requestQueue) isClosed() bool {
	select {
	case <-q.closed:
		return true
	default:
		return false
	}
}

// isDrained reports whether the queue is closed and all acknowledgements have been sent.
func (q *requestQueue) isDrained() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.isClosed() && len(q.acks) == 0
}

// next waits for the next request. Nil means that there are no more, or that ctx has ended.
func (q *requestQueue) next(ctx context.Context) *ordersyncv1.StreamMessagesRequest {
	for {
		closed := q.isClosed()
		if request := q.pop(); request != nil || closed {
			return request
		}
		select {
		case <-q.changed:
		case <-q.closed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (q *requestQueue) pop() *ordersyncv1.StreamMessagesRequest {
	q.mu.Lock()
	defer q.mu.Unlock()
	if count := min(len(q.acks), maxIDsPerRequest); count > 0 {
		ack := &ordersyncv1.StreamMessagesRequest_Ack{AckIds: q.acks[:count:count]}
		q.acks = q.acks[count:]
		return &ordersyncv1.StreamMessagesRequest{Request: &ordersyncv1.StreamMessagesRequest_Ack_{Ack: ack}}
	}
	if len(q.leases) > 0 {
		request := q.leases[0]
		q.leases = q.leases[1:]
		return request
	}
	return nil
}

func (q *requestQueue) notify() {
	select {
	case q.changed <- struct{}{}:
	default:
	}
}
