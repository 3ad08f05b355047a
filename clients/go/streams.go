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
	"google.golang.org/protobuf/types/known/timestamppb"

	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// final are statuses with which another stream would end too.
var final = map[codes.Code]bool{
	codes.InvalidArgument:    true,
	codes.NotFound:           true, // somebody deleted the subscription
	codes.FailedPrecondition: true,
	codes.Unauthenticated:    true,
	codes.PermissionDenied:   true,
	codes.Unimplemented:      true,
}

// streams opens one stream after the other, and moves what they say and what is to be said.
type streams struct {
	consumer *Consumer
	stub     ordersyncv1.OrderSyncServiceClient
	hand     *hand
	outbox   *outbox
	failures int // in a row
}

func newStreams(consumer *Consumer, hand *hand, outbox *outbox) *streams {
	stub := ordersyncv1.NewOrderSyncServiceClient(consumer.Conn)
	return &streams{consumer: consumer, stub: stub, hand: hand, outbox: outbox}
}

// keepOpen keeps a stream open until the outbox is done or the context has ended. It returns an error where no
// repeat helps.
func (s *streams) keepOpen(ctx context.Context) error {
	for !s.outbox.done() && ctx.Err() == nil {
		// What is closed later does not wait for its last words; where these failed already, it does.
		closing := s.outbox.closed
		if s.outbox.isClosed() {
			closing = nil
		}
		began := time.Now()
		err := s.stream(ctx)
		if s.outbox.done() || ctx.Err() != nil {
			break
		}
		var delay time.Duration
		if told := FailureOf(err); told != nil {
			if final[told.Status] {
				return err
			}
			if told.RetryDelay != nil {
				delay = *told.RetryDelay
			}
			s.consumer.Logger.Info(
				"stream ended", slog.Any("status", told.Status), slog.String("reason", told.ReasonName),
			)
		}
		if time.Since(began) > mostPause {
			s.failures = 0
		}
		s.failures++
		select {
		case <-time.After(max(delay, pauseAfter(s.failures))):
		case <-closing:
		case <-ctx.Done():
		}
	}
	return nil
}

// stream opens a stream, and takes what comes until it ends; nil: the service ended it.
func (s *streams) stream(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer end()
	s.outbox.begin()
	s.hand.begin()
	call, err := s.stub.StreamMessages(ctx)
	if err != nil {
		return err
	}
	beside.Go(func() { s.speak(ctx, call) })
	beside.Go(func() { s.hand.extend(ctx) })
	for {
		response, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.failures = 0
		if message := response.GetMessage(); message != nil {
			s.hand.take(ctx, message)
		}
	}
}

// speak says what is to be said; where the stream breaks, its reader learns why.
func (s *streams) speak(ctx context.Context, call ordersyncv1.OrderSyncService_StreamMessagesClient) {
	for request := s.opening(); request != nil; request = s.outbox.next(ctx) {
		if call.Send(request) != nil {
			return
		}
	}
	if ctx.Err() == nil {
		_ = call.CloseSend() // never fails
	}
}

func (s *streams) opening() *ordersyncv1.StreamMessagesRequest {
	open := &ordersyncv1.StreamMessagesRequest_Open{
		Subscription:   s.consumer.Subscription,
		Topics:         s.consumer.Topics,
		MaxOutstanding: int32(s.consumer.MaxOutstanding),
		Lease:          durationpb.New(s.consumer.Lease),
	}
	if !s.consumer.StartTime.IsZero() {
		open.StartTime = timestamppb.New(s.consumer.StartTime)
	}
	return &ordersyncv1.StreamMessagesRequest{Request: &ordersyncv1.StreamMessagesRequest_Open_{Open: open}}
}
