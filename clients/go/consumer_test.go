package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"nationalsite.internal/client"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

type (
	streamRequest  = ordersyncv1.StreamMessagesRequest
	streamResponse = ordersyncv1.StreamMessagesResponse
	message        = ordersyncv1.Message
)

// fakeServer passes each stream that a consumer opens to the test.
type fakeServer struct {
	ordersyncv1.UnimplementedOrderSyncServiceServer
	streams chan *serverStream
}

// serverStream is the server's side of a stream. The test decides what it sends and how it ends.
type serverStream struct {
	ordersyncv1.OrderSyncService_StreamMessagesServer
	requests chan *streamRequest // closed when the client has closed its side
	end      chan error
}

func (s *fakeServer) StreamMessages(grpcStream ordersyncv1.OrderSyncService_StreamMessagesServer) error {
	stream := &serverStream{grpcStream, make(chan *streamRequest, 2000), make(chan error, 1)}
	go func() {
		defer close(stream.requests)
		for {
			request, err := stream.Recv()
			if err != nil {
				return
			}
			stream.requests <- request
		}
	}()
	s.streams <- stream
	select {
	case err := <-stream.end:
		return err
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
}

// consumerTest runs a consumer against a fake server. Its time is synctest's: it advances when all goroutines wait.
type consumerTest struct {
	*testing.T
	server  *fakeServer
	started chan *message // messages whose handler has started
	results chan error    // results of the next handlers
	causes  chan error    // why the context of each cancelled handler ended
	logged  *bytes.Buffer // valid when done is closed
	stop    context.CancelFunc
	done    chan struct{}
	err     error // result of Run, valid when done is closed
}

// handler is a method of consumerTest.
type handler func(*consumerTest, context.Context, *message) error

// runConsumerTest runs a consumer during the test function, and fails if it leaves goroutines behind.
func runConsumerTest(t *testing.T, consumer client.Consumer, handle handler, test func(*consumerTest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		listener := bufconn.Listen(1 << 20)
		server := &fakeServer{streams: make(chan *serverStream, 10)}
		// The policy of the services.
		policy := keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}
		grpcServer := grpc.NewServer(grpc.KeepaliveEnforcementPolicy(policy))
		healthv1.RegisterHealthServer(grpcServer, newFakeHealth())
		ordersyncv1.RegisterOrderSyncServiceServer(grpcServer, server)
		go func() { _ = grpcServer.Serve(listener) }()
		defer grpcServer.Stop()
		dial := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
		conn := connect(t, "passthrough:///fake", client.OrderSync, grpc.WithContextDialer(dial))

		ctx, stop := context.WithCancel(t.Context())
		c := &consumerTest{
			T:       t,
			server:  server,
			started: make(chan *message, 2000),
			results: make(chan error, 2000),
			causes:  make(chan error, 2000),
			logged:  &bytes.Buffer{},
			stop:    stop,
			done:    make(chan struct{}),
		}
		consumer.Conn, consumer.Subscription, consumer.Logger = conn, "shop", slog.New(slog.NewTextHandler(c.logged, nil))
		consumer.Handle = func(ctx context.Context, message *message) error { return handle(c, ctx, message) }
		go func() {
			defer close(c.done)
			c.err = consumer.Run(ctx)
		}()
		test(c)
		stop()
		<-c.done
	})
}

// cancellable is a handler that returns the next result, or returns when its context ends.
func (c *consumerTest) cancellable(ctx context.Context, message *message) error {
	c.started <- message
	select {
	case err := <-c.results:
		return err
	case <-ctx.Done():
		c.causes <- context.Cause(ctx)
		return ctx.Err()
	}
}

// uncancellable is a handler that returns the next result and ignores its context.
func (c *consumerTest) uncancellable(_ context.Context, message *message) error {
	c.started <- message
	return <-c.results
}

func (c *consumerTest) result() error {
	<-c.done
	return c.err
}

// nextStream waits for the next stream and returns it with its first request.
func (c *consumerTest) nextStream() (*serverStream, *ordersyncv1.StreamMessagesRequest_Open) {
	c.Helper()
	stream := <-c.server.streams
	open := (<-stream.requests).GetOpen()
	if open == nil {
		c.Fatal("the first request is not open")
	}
	return stream, open
}

// send delivers messages in one response. The ack id of a delivery is "<message id>#<attempt>".
func (c *consumerTest) send(stream *serverStream, attempt int32, ids ...string) {
	c.Helper()
	delivered := &ordersyncv1.StreamMessagesResponse_Delivered{}
	for _, id := range ids {
		delivered.ReceivedMessages = append(delivered.ReceivedMessages, &ordersyncv1.ReceivedMessage{
			AckId: fmt.Sprintf("%s#%d", id, attempt), Message: &message{MessageId: id}, DeliveryAttempt: attempt,
		})
	}
	response := &streamResponse{Response: &ordersyncv1.StreamMessagesResponse_Delivered_{Delivered: delivered}}
	if err := stream.Send(response); err != nil {
		c.Fatal(err)
	}
}

func (c *consumerTest) sendLapsed(stream *serverStream, ackIDs ...string) {
	c.Helper()
	lapsed := &ordersyncv1.StreamMessagesResponse_Lapsed{AckIds: ackIDs}
	response := &streamResponse{Response: &ordersyncv1.StreamMessagesResponse_Lapsed_{Lapsed: lapsed}}
	if err := stream.Send(response); err != nil {
		c.Fatal(err)
	}
}

// nextRequest waits for the consumer's next request. It fails after an hour of the test's time.
func (c *consumerTest) nextRequest(stream *serverStream) *streamRequest {
	c.Helper()
	select {
	case request := <-stream.requests:
		return request
	case <-time.After(time.Hour):
		c.Fatal("the consumer sent no request")
		return nil
	}
}

// nextAcks waits for a number of acknowledgements and returns their ack ids, sorted.
func (c *consumerTest) nextAcks(stream *serverStream, count int) []string {
	c.Helper()
	var ackIDs []string
	for len(ackIDs) < count {
		request := c.nextRequest(stream)
		if request.GetAck() == nil {
			c.Fatalf("got %v, want an acknowledgement", request)
		}
		ackIDs = append(ackIDs, request.GetAck().GetAckIds()...)
	}
	slices.Sort(ackIDs)
	return ackIDs
}

// expectAcks fails unless the next requests acknowledge exactly these, which are sorted.
func (c *consumerTest) expectAcks(stream *serverStream, ackIDs ...string) {
	c.Helper()
	if got := c.nextAcks(stream, len(ackIDs)); !slices.Equal(got, ackIDs) {
		c.Fatalf("acknowledged %q, want %q", got, ackIDs)
	}
}

// expectSetLease fails unless the next request sets the lease of one message, and comes after a time from minWait
// to maxWait.
func (c *consumerTest) expectSetLease(stream *serverStream, ackID string, lease, minWait, maxWait time.Duration) {
	c.Helper()
	start := time.Now()
	request := c.nextRequest(stream)
	waited := time.Since(start)
	setLease := request.GetSetLease()
	if !slices.Equal(setLease.GetAckIds(), []string{ackID}) || setLease.GetLease().AsDuration() != lease {
		c.Fatalf("got %v, want a lease of %s for %s", request, lease, ackID)
	}
	if waited < minWait || waited > maxWait {
		c.Fatalf("got it after %s, want %s to %s", waited, minWait, maxWait)
	}
}

// expectNoRequest fails if the consumer sends a request within a time.
func (c *consumerTest) expectNoRequest(stream *serverStream, wait time.Duration) {
	c.Helper()
	time.Sleep(wait)
	synctest.Wait()
	if len(stream.requests) > 0 {
		c.Fatalf("got %v", <-stream.requests)
	}
}

func (c *consumerTest) expectEqual(got, want any) {
	c.Helper()
	if got != want {
		c.Fatalf("got %v, want %v", got, want)
	}
}

func TestHandledMessagesAreAcknowledgedAndMaxOutstandingIsObeyed(t *testing.T) {
	runConsumerTest(t, client.Consumer{MaxOutstanding: 2, Lease: 10 * time.Minute}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, open := c.nextStream()
		c.expectEqual(open.GetSubscription(), "shop")
		c.expectEqual(open.GetCreateIfMissing(), (*ordersyncv1.SubscriptionSpec)(nil))
		c.expectEqual(open.GetMaxOutstanding(), int32(2))
		c.expectEqual(open.GetLease().AsDuration(), 10*time.Minute)
		c.send(stream, 1, "1")
		c.send(stream, 1, "2", "3")
		synctest.Wait()
		c.expectEqual(len(c.started), 2)
		c.expectEqual(len(stream.requests), 0)
		for range 3 {
			c.results <- nil
		}
		c.expectAcks(stream, "1#1", "2#1", "3#1")
		c.expectEqual(len(c.started), 3)
	})
}

func TestSubscriptionIsCreatedOnRequest(t *testing.T) {
	spec := &ordersyncv1.SubscriptionSpec{Topics: []string{"A"}, StartTime: timestamppb.New(time.Unix(1_000_000_000, 0))}
	runConsumerTest(t, client.Consumer{CreateIfMissing: spec}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, open := c.nextStream()
		c.expectEqual(proto.Equal(open.GetCreateIfMissing(), spec), true)
		stream.end <- nil
		_, open = c.nextStream()
		c.expectEqual(proto.Equal(open.GetCreateIfMissing(), spec), true)
	})
}

func TestFailedMessageIsReleasedAfterBackoff(t *testing.T) {
	runConsumerTest(t, client.Consumer{Lease: 10 * time.Minute}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		for attempt, maxDelay := range map[int32]time.Duration{1: 200 * time.Millisecond, 4: 1600 * time.Millisecond, 10: 20 * time.Second} {
			c.send(stream, attempt, "1")
			c.results <- errors.New("simulated")
			c.expectSetLease(stream, fmt.Sprintf("1#%d", attempt), 0, maxDelay/2, maxDelay)
		}
		c.send(stream, 11, "1")
		c.results <- nil
		c.expectAcks(stream, "1#11")
	})
}

func TestLeaseIsExtendedUntilTheHandlerTimesOut(t *testing.T) {
	runConsumerTest(t, client.Consumer{Lease: 30 * time.Second, HandlerTimeout: 25 * time.Second}, (*consumerTest).uncancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, 1, "1")
		c.expectSetLease(stream, "1#1", 30*time.Second, 9*time.Second, 11*time.Second)
		c.expectSetLease(stream, "1#1", 30*time.Second, 9*time.Second, 11*time.Second)
		c.expectNoRequest(stream, 5*time.Minute)
		c.results <- nil
		c.expectAcks(stream, "1#1") // it was handled, though late
	})
}

func TestRedeliveriesAfterABrokenStreamAreNotHandledAgain(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		first, _ := c.nextStream()
		c.send(first, 1, "1")
		<-c.started
		brokenAt := time.Now()
		retry := &errdetails.RetryInfo{RetryDelay: durationpb.New(7 * time.Second)}
		first.end <- statusWith(t, codes.Unavailable, retry).Err()

		second, _ := c.nextStream()
		if waited := time.Since(brokenAt); waited < 7*time.Second || waited > 8*time.Second {
			c.Fatal(waited)
		}
		c.send(second, 2, "1")
		c.expectSetLease(second, "1#2", time.Minute, 19*time.Second, 21*time.Second)
		c.send(second, 1, "2")
		<-c.started
		c.results <- nil
		c.results <- nil
		c.expectAcks(second, "1#2", "2#1")
		c.expectEqual(len(c.started), 0)

		second.end <- nil // the server drains; the acknowledgements may be lost
		third, _ := c.nextStream()
		c.send(third, 3, "1")
		c.send(third, 2, "2")
		c.expectAcks(third, "1#3", "2#2")
		c.expectEqual(len(c.started), 0)
	})
}

func TestMessagesHandledBetweenStreamsAreAcknowledgedOnTheNextStream(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		first, _ := c.nextStream()
		c.send(first, 1, "handled")
		c.send(first, 1, "failed")
		<-c.started
		<-c.started
		first.end <- statusWith(t, codes.Unavailable, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}).Err()
		synctest.Wait()
		c.results <- nil
		c.results <- errors.New("simulated")
		second, _ := c.nextStream()
		c.expectEqual(len(c.nextAcks(second, 1)), 1)
		c.expectNoRequest(second, 0) // the lease of the failed message ended with the first stream
	})
}

func TestLeaseEndsWithItsStream(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		first, _ := c.nextStream()
		c.send(first, 1, "1")
		<-c.started
		first.end <- status.Error(codes.Unavailable, "simulated")
		second, _ := c.nextStream()
		time.Sleep(time.Minute)
		c.results <- errors.New("simulated")
		c.expectNoRequest(second, time.Second)
	})
}

func TestLapsedLeaseCancelsTheHandlerAndIsLeftAlone(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, 1, "1")
		c.expectSetLease(stream, "1#1", time.Minute, 19*time.Second, 21*time.Second)
		c.sendLapsed(stream, "1#1")
		c.expectEqual(<-c.causes, client.ErrLeaseLapsed)
		c.expectNoRequest(stream, 5*time.Minute) // it is not extended, acknowledged or released
		c.stop()
		stream.end <- nil
		c.expectEqual(c.result(), nil)
		c.expectEqual(strings.Count(c.logged.String(), "msg=lease_lapsed message_id=1"), 1)
		c.expectEqual(strings.Contains(c.logged.String(), "handler_failed"), false)
	})
}

func TestMessageHandledAfterItsLeaseIsAcknowledgedWhenRedelivered(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).uncancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, 1, "1")
		c.sendLapsed(stream, "1#1")
		c.results <- nil
		c.expectNoRequest(stream, 5*time.Minute)
		c.send(stream, 2, "1")
		c.expectAcks(stream, "1#2")
		c.expectEqual(len(c.started), 1)
	})
}

func TestRedeliveryToTheSameHandlerReplacesTheLease(t *testing.T) {
	runConsumerTest(t, client.Consumer{Lease: 30 * time.Second}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, 1, "1")
		c.send(stream, 2, "1")
		c.sendLapsed(stream, "1#1")
		c.expectSetLease(stream, "1#2", 30*time.Second, 9*time.Second, 11*time.Second)
		c.results <- nil
		c.expectAcks(stream, "1#2")
		c.expectEqual(len(c.started), 1)
		c.expectEqual(len(c.causes), 0)
	})
}

func TestLapsedAckIsLogged(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, 1, "1", "2")
		c.results <- nil
		c.results <- nil
		c.expectAcks(stream, "1#1", "2#1")
		c.sendLapsed(stream, "1#1", "unknown")
		c.expectNoRequest(stream, time.Minute)
		c.stop()
		stream.end <- nil
		c.expectEqual(c.result(), nil)
		c.expectEqual(strings.Count(c.logged.String(), "msg=ack_lapsed"), 1)
		c.expectEqual(strings.Count(c.logged.String(), "msg=ack_lapsed message_id=1\n"), 1)
	})
}

func TestMessagesThatWaitForAHandlerKeepTheirLeases(t *testing.T) {
	consumer := client.Consumer{MaxOutstanding: 1, Lease: 30 * time.Second, HandlerTimeout: 25 * time.Second}
	runConsumerTest(t, consumer, (*consumerTest).uncancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, 1, "1")
		c.sendLapsed(stream, "1#1") // the service delivers the next message, but the handler still runs
		c.send(stream, 1, "lapses", "2")
		c.sendLapsed(stream, "lapses#1")
		c.expectSetLease(stream, "2#1", 30*time.Second, 9*time.Second, 11*time.Second)
		c.results <- nil
		time.Sleep(9 * time.Second) // the time to handle it begins now
		c.send(stream, 1, "3")
		for _, ackIDs := range [][]string{{"2#1", "3#1"}, {"2#1", "3#1"}, {"3#1"}} {
			extended := c.nextRequest(stream).GetSetLease()
			c.expectEqual(extended.GetLease().AsDuration(), 30*time.Second)
			slices.Sort(extended.GetAckIds())
			if !slices.Equal(extended.GetAckIds(), ackIDs) {
				c.Fatalf("extended %q, want %q", extended.GetAckIds(), ackIDs)
			}
		}
		c.expectSetLease(stream, "3#1", 0, 9*time.Second, 11*time.Second) // it has waited for too long
		c.results <- nil
		c.expectAcks(stream, "2#1")
		c.expectEqual(len(c.started), 2)
	})
}

func TestMessagesThatWaitForAHandlerAreReleasedByStop(t *testing.T) {
	runConsumerTest(t, client.Consumer{MaxOutstanding: 1}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, 1, "1", "2")
		synctest.Wait()
		c.stop()
		c.expectSetLease(stream, "2#1", 0, 0, 0)
		c.results <- nil
		c.expectAcks(stream, "1#1")
		c.expectEqual(len(c.started), 1)
	})
}

func TestMessagesThatWaitForAHandlerAreDroppedWithTheirStream(t *testing.T) {
	runConsumerTest(t, client.Consumer{MaxOutstanding: 1}, (*consumerTest).cancellable, func(c *consumerTest) {
		first, _ := c.nextStream()
		c.send(first, 1, "1", "2")
		synctest.Wait()
		first.end <- status.Error(codes.Unavailable, "simulated")
		second, _ := c.nextStream()
		c.results <- nil
		c.expectAcks(second, "1#1")
		c.expectNoRequest(second, time.Second)
		c.expectEqual(len(c.started), 1)
	})
}

func TestRequestsHaveAtMost1000AckIDs(t *testing.T) {
	runConsumerTest(t, client.Consumer{MaxOutstanding: 1000}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		ids := make([]string, 1500)
		for index := range ids {
			ids[index] = strconv.Itoa(index)
		}
		c.send(stream, 1, ids...)
		for _, count := range []int{1000, 500} {
			c.expectEqual(len(c.nextRequest(stream).GetSetLease().GetAckIds()), count)
		}
	})
}

func TestHandlersGetTheReceivedMessage(t *testing.T) {
	attempts := make(chan int32, 1)
	handle := func(_ *consumerTest, ctx context.Context, _ *message) error {
		attempts <- client.ReceivedMessageFromContext(ctx).GetDeliveryAttempt()
		return nil
	}
	runConsumerTest(t, client.Consumer{}, handle, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, 7, "1")
		c.expectAcks(stream, "1#7")
		c.expectEqual(<-attempts, int32(7))
	})
	if received := client.ReceivedMessageFromContext(t.Context()); received != nil {
		t.Error(received)
	}
}

func TestReconnectBackoffGrowsUntilAMessageArrives(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		last := time.Now()
		for _, maxDelay := range []time.Duration{0, 200, 400, 800, 1600} {
			stream, _ := c.nextStream()
			waited := time.Since(last).Milliseconds()
			if waited < int64(maxDelay/2) || waited > int64(maxDelay) {
				c.Fatalf("waited %d ms, want at most %d", waited, maxDelay)
			}
			last = time.Now()
			stream.end <- status.Error(codes.Unavailable, "simulated")
		}
		stream, _ := c.nextStream()
		c.send(stream, 1, "1")
		<-c.started
		last = time.Now()
		stream.end <- status.Error(codes.Unavailable, "simulated")
		c.nextStream()
		if waited := time.Since(last); waited > 200*time.Millisecond {
			c.Fatalf("waited %s after a message", waited)
		}
	})
}

func TestStopFinishesRunningHandlersAndStartsNoMore(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, 1, "1")
		<-c.started
		c.stop()
		synctest.Wait()
		c.send(stream, 1, "2")
		synctest.Wait()
		select {
		case <-c.done:
			c.Fatal("Run returned while a handler runs")
		default:
		}
		finished := time.Now()
		c.results <- nil
		c.expectAcks(stream, "1#1")
		if request, more := <-stream.requests; more {
			c.Fatal(request)
		}
		c.expectEqual(time.Since(finished), time.Duration(0)) // the consumer closes its side itself
		stream.end <- nil
		c.expectEqual(c.result(), nil)
		c.expectEqual(len(c.started), 0)
	})
}

func TestStopCancelsHandlersAfterStopGrace(t *testing.T) {
	runConsumerTest(t, client.Consumer{StopGrace: 2 * time.Second}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, 1, "1")
		<-c.started
		c.stop()
		c.expectSetLease(stream, "1#1", 0, 2*time.Second, 2*time.Second)
		start := time.Now()
		c.expectEqual(c.result(), nil) // although the server does not end the stream
		c.expectEqual(time.Since(start), 5*time.Second)
	})
}

func TestHandlerThatDoesNotReturnIsAnError(t *testing.T) {
	runConsumerTest(t, client.Consumer{StopGrace: time.Second}, (*consumerTest).uncancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, 1, "1")
		synctest.Wait()
		c.stop()
		stream.end <- nil
		if err := c.result(); err == nil {
			c.Fatal("no error although a handler still runs")
		}
		c.results <- nil
	})
}

func TestNonRetryableErrorIsReturned(t *testing.T) {
	for reason, code := range map[string]codes.Code{
		"ERROR_REASON_SUBSCRIPTION_MISMATCH": codes.FailedPrecondition,
		"ERROR_REASON_SUBSCRIPTION_LIMIT":    codes.ResourceExhausted,
		"ERROR_REASON_NEWER":                 codes.NotFound, // the code decides
	} {
		t.Run(reason, func(t *testing.T) {
			runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
				stream, _ := c.nextStream()
				stream.end <- statusWith(t, code, &errdetails.ErrorInfo{Reason: reason}).Err()
				c.expectEqual(client.ParseError(c.result()).ReasonName, reason)
			})
		})
	}
}

func TestRetryableErrorReopensTheStream(t *testing.T) {
	for reason, code := range map[string]codes.Code{
		"ERROR_REASON_OVERLOADED":     codes.ResourceExhausted,
		"ERROR_REASON_INTERNAL_FAULT": codes.Internal,
		"ERROR_REASON_NEWER":          codes.Aborted,
	} {
		t.Run(reason, func(t *testing.T) {
			runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
				stream, _ := c.nextStream()
				stream.end <- statusWith(t, code, &errdetails.ErrorInfo{Reason: reason}).Err()
				c.nextStream()
			})
		})
	}
}

func TestInvalidOptionsAreRejected(t *testing.T) {
	valid := client.Consumer{
		Conn:         connect(t, "localhost:1", client.OrderSync),
		Subscription: "shop",
		Handle:       func(context.Context, *message) error { return nil },
	}
	for name, change := range map[string]func(*client.Consumer){
		"no channel":      func(consumer *client.Consumer) { consumer.Conn = nil },
		"no subscription": func(consumer *client.Consumer) { consumer.Subscription = "" },
		"no handler":      func(consumer *client.Consumer) { consumer.Handle = nil },
		"outstanding":     func(consumer *client.Consumer) { consumer.MaxOutstanding = 1001 },
		"lease":           func(consumer *client.Consumer) { consumer.Lease = 9 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			invalid := valid
			change(&invalid)
			if err := invalid.Run(timeoutContext(t)); err == nil {
				t.Error("no error")
			}
		})
	}
}
