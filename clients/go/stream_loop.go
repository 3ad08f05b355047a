package client

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	errorsv1 "nationalsite.internal/go/errors/v1"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// nonRetryable are the codes with which another stream would fail as well, if the error has no known reason.
var nonRetryable = map[codes.Code]bool{
	codes.InvalidArgument:    true,
	codes.NotFound:           true, // the subscription does not exist, or was deleted
	codes.FailedPrecondition: true,
	codes.Unauthenticated:    true,
	codes.PermissionDenied:   true,
	codes.Unimplemented:      true,
}

// warnFailures is the number of failures in a row from which a broken stream is a warning: the service does not just
// restart.
const warnFailures = 3

// streamLoop opens one stream after the other. It moves messages from the stream to their handlers, and requests
// from the queue to the stream.
type streamLoop struct {
	consumer *Consumer
	stub     ordersyncv1.OrderSyncServiceClient
	inFlight *inFlightMessages
	requests *requestQueue
	failures int // in a row
}

func newStreamLoop(consumer *Consumer, inFlight *inFlightMessages, requests *requestQueue) *streamLoop {
	stub := ordersyncv1.NewOrderSyncServiceClient(consumer.Conn)
	return &streamLoop{consumer: consumer, stub: stub, inFlight: inFlight, requests: requests}
}

// run keeps a stream open until the queue is drained or ctx ends. It returns an error if no retry can help.
func (l *streamLoop) run(ctx context.Context) error {
	for !l.requests.isDrained() && ctx.Err() == nil {
		// If the queue is closed while the loop waits to reconnect, the last acknowledgements are sent at once.
		// If the queue was closed before this stream began, sending them has just failed: wait.
		closing := l.requests.closed
		if l.requests.isClosed() {
			closing = nil
		}
		start := time.Now()
		err := l.runStream(ctx)
		if l.requests.isDrained() || ctx.Err() != nil {
			break
		}
		details := ParseError(err)
		if details != nil && !mayRetry(details) {
			return err
		}
		if time.Since(start) > maxBackoff {
			l.failures = 0
		}
		l.failures++
		var retryDelay time.Duration
		if details != nil {
			l.log(ctx, details)
			if details.RetryDelay != nil {
				retryDelay = *details.RetryDelay
			}
		}
		select {
		case <-time.After(max(retryDelay, backoffDelay(l.failures))):
		case <-closing:
		case <-ctx.Done():
		}
	}
	return nil
}

// log says that a stream ended with an error.
func (l *streamLoop) log(ctx context.Context, details *ErrorDetails) {
	level := slog.LevelInfo
	if l.failures >= warnFailures {
		level = slog.LevelWarn
	}
	l.consumer.Logger.LogAttrs(
		ctx, level, "stream_ended",
		slog.Any("code", details.Code), slog.String("reason", details.ReasonName), slog.String("message", details.Message),
	)
}

func mayRetry(details *ErrorDetails) bool {
	if details.Retry != errorsv1.Retry_RETRY_UNSPECIFIED {
		return details.Retry != errorsv1.Retry_RETRY_NEVER
	}
	return !nonRetryable[details.Code]
}

// runStream opens a stream and reads messages until it ends. It returns nil if the service ended the stream.
func (l *streamLoop) runStream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var writers sync.WaitGroup
	defer func() {
		cancel()
		writers.Wait()
		l.inFlight.resetLeases()
		l.requests.resetLeases()
	}()
	stream, err := l.stub.StreamMessages(ctx)
	if err != nil {
		return err
	}
	writers.Go(func() { l.writeRequests(ctx, stream) })
	writers.Go(func() { l.inFlight.extendLeases(ctx) })
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		l.failures = 0
		for _, received := range response.GetDelivered().GetReceivedMessages() {
			l.inFlight.submit(received)
		}
		l.inFlight.lapse(response.GetLapsed().GetAckIds())
	}
}

// writeRequests sends requests until there are no more. If the stream breaks, the goroutine that reads it gets the
// error.
func (l *streamLoop) writeRequests(ctx context.Context, stream ordersyncv1.OrderSyncService_StreamMessagesClient) {
	for request := l.openRequest(); request != nil; request = l.requests.next(ctx) {
		if stream.Send(request) != nil {
			return
		}
	}
	if ctx.Err() == nil {
		_ = stream.CloseSend() // always returns nil
	}
}

func (l *streamLoop) openRequest() *ordersyncv1.StreamMessagesRequest {
	open := &ordersyncv1.StreamMessagesRequest_Open{
		Subscription:    l.consumer.Subscription,
		CreateIfMissing: l.consumer.CreateIfMissing,
		MaxOutstanding:  int32(l.consumer.MaxOutstanding),
		Lease:           durationpb.New(l.consumer.Lease),
	}
	return &ordersyncv1.StreamMessagesRequest{Request: &ordersyncv1.StreamMessagesRequest_Open_{Open: open}}
}
