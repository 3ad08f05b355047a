package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
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
	"google.golang.org/protobuf/types/known/durationpb"

	"nationalsite.internal/client"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

type (
	streamRequest = ordersyncv1.StreamMessagesRequest
	message       = ordersyncv1.Message
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
	stream := &serverStream{grpcStream, make(chan *streamRequest, 100), make(chan error, 1)}
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
			started: make(chan *message, 100),
			results: make(chan error, 100),
			stop:    stop,
			done:    make(chan struct{}),
		}
		consumer.Conn, consumer.Subscription, consumer.Logger = conn, "shop", slog.New(slog.DiscardHandler)
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

func (c *consumerTest) send(stream *serverStream, id string, attempt int32) {
	c.Helper()
	message := &message{MessageId: id, DeliveryAttempt: attempt}
	response := &ordersyncv1.StreamMessagesResponse{Response: &ordersyncv1.StreamMessagesResponse_Message{Message: message}}
	if err := stream.Send(response); err != nil {
		c.Fatal(err)
	}
}

// nextAcks waits for a number of acknowledgements and returns their message ids, sorted.
func (c *consumerTest) nextAcks(stream *serverStream, count int) []string {
	c.Helper()
	var ids []string
	for len(ids) < count {
		request := <-stream.requests
		if request.GetAck() == nil {
			c.Fatalf("got %v, want an acknowledgement", request)
		}
		ids = append(ids, request.GetAck().GetMessageIds()...)
	}
	slices.Sort(ids)
	return ids
}

// expectSetLease fails unless the next request sets the lease of one message, and comes after a time from minWait
// to maxWait.
func (c *consumerTest) expectSetLease(stream *serverStream, id string, lease, minWait, maxWait time.Duration) {
	c.Helper()
	start := time.Now()
	request := <-stream.requests
	waited := time.Since(start)
	setLease := request.GetSetLease()
	if !slices.Equal(setLease.GetMessageIds(), []string{id}) || setLease.GetLease().AsDuration() != lease {
		c.Fatalf("got %v, want a lease of %s for %s", request, lease, id)
	}
	if waited < minWait || waited > maxWait {
		c.Fatalf("got it after %s, want %s to %s", waited, minWait, maxWait)
	}
}

func (c *consumerTest) expectEqual(got, want any) {
	c.Helper()
	if got != want {
		c.Fatalf("got %v, want %v", got, want)
	}
}

func TestHandledMessagesAreAcknowledgedAndMaxOutstandingIsObeyed(t *testing.T) {
	start := time.Date(2026, 9, 3, 1, 10, 10, 0, time.UTC)
	consumer := client.Consumer{Topics: []string{"A"}, StartTime: start, MaxOutstanding: 2, Lease: 10 * time.Minute}
	runConsumerTest(t, consumer, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, open := c.nextStream()
		c.expectEqual(open.GetSubscription(), "shop")
		c.expectEqual(open.GetTopics()[0], "A")
		c.expectEqual(open.GetStartTime().AsTime(), start)
		c.expectEqual(open.GetMaxOutstanding(), int32(2))
		c.expectEqual(open.GetLease().AsDuration(), 10*time.Minute)
		for _, id := range []string{"1", "2", "3"} {
			c.send(stream, id, 1)
		}
		synctest.Wait()
		c.expectEqual(len(c.started), 2)
		c.expectEqual(len(stream.requests), 0)
		for range 3 {
			c.results <- nil
		}
		if ids := c.nextAcks(stream, 3); !slices.Equal(ids, []string{"1", "2", "3"}) {
			c.Fatal(ids)
		}
		c.expectEqual(len(c.started), 3)
	})
}

func TestFailedMessageIsReleasedAfterBackoff(t *testing.T) {
	runConsumerTest(t, client.Consumer{Lease: 10 * time.Minute}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		for attempt, maxDelay := range map[int32]time.Duration{1: 200 * time.Millisecond, 4: 1600 * time.Millisecond, 10: 20 * time.Second} {
			c.send(stream, "1", attempt)
			c.results <- errors.New("simulated")
			c.expectSetLease(stream, "1", 0, maxDelay/2, maxDelay)
		}
		c.send(stream, "1", 11)
		c.results <- nil
		c.nextAcks(stream, 1)
	})
}

func TestLeaseIsExtendedUntilTheHandlerTimesOut(t *testing.T) {
	runConsumerTest(t, client.Consumer{Lease: 30 * time.Second, HandlerTimeout: 25 * time.Second}, (*consumerTest).uncancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, "1", 1)
		c.expectSetLease(stream, "1", 30*time.Second, 9*time.Second, 11*time.Second)
		c.expectSetLease(stream, "1", 30*time.Second, 9*time.Second, 11*time.Second)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		c.expectEqual(len(stream.requests), 0)
		c.results <- nil
		c.nextAcks(stream, 1) // it was handled, though late
	})
}

func TestRedeliveriesAfterABrokenStreamAreNotHandledAgain(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		first, _ := c.nextStream()
		c.send(first, "1", 1)
		<-c.started
		brokenAt := time.Now()
		retry := &errdetails.RetryInfo{RetryDelay: durationpb.New(7 * time.Second)}
		first.end <- statusWith(t, codes.Unavailable, retry).Err()

		second, _ := c.nextStream()
		if waited := time.Since(brokenAt); waited < 7*time.Second || waited > 8*time.Second {
			c.Fatal(waited)
		}
		c.send(second, "1", 2)
		c.expectSetLease(second, "1", time.Minute, 19*time.Second, 21*time.Second)
		c.send(second, "2", 1)
		<-c.started
		c.results <- nil
		c.results <- nil
		c.nextAcks(second, 2)
		c.expectEqual(len(c.started), 0)

		second.end <- nil // the server drains; the acknowledgements may be lost
		third, _ := c.nextStream()
		c.send(third, "1", 3)
		c.send(third, "2", 2)
		c.nextAcks(third, 2)
		c.expectEqual(len(c.started), 0)
	})
}

func TestMessagesHandledBetweenStreamsAreAcknowledgedOnTheNextStream(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		first, _ := c.nextStream()
		c.send(first, "handled", 1)
		c.send(first, "failed", 1)
		<-c.started
		<-c.started
		first.end <- statusWith(t, codes.Unavailable, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}).Err()
		synctest.Wait()
		c.results <- nil
		c.results <- errors.New("simulated")
		second, _ := c.nextStream()
		c.expectEqual(len(c.nextAcks(second, 1)), 1)
		synctest.Wait()
		c.expectEqual(len(second.requests), 0) // the lease of the failed message ended with the first stream
	})
}

func TestLeaseEndsWithItsStream(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		first, _ := c.nextStream()
		c.send(first, "1", 1)
		<-c.started
		first.end <- status.Error(codes.Unavailable, "simulated")
		second, _ := c.nextStream()
		time.Sleep(time.Minute)
		c.results <- errors.New("simulated")
		time.Sleep(time.Second)
		c.expectEqual(len(second.requests), 0)
	})
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
		c.send(stream, "1", 1)
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
		c.send(stream, "1", 1)
		<-c.started
		c.stop()
		synctest.Wait()
		c.send(stream, "2", 1)
		synctest.Wait()
		select {
		case <-c.done:
			c.Fatal("Run returned while a handler runs")
		default:
		}
		finished := time.Now()
		c.results <- nil
		c.expectEqual(c.nextAcks(stream, 1)[0], "1")
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
		c.send(stream, "1", 1)
		<-c.started
		c.stop()
		c.expectSetLease(stream, "1", 0, 2*time.Second, 2*time.Second)
		start := time.Now()
		c.expectEqual(c.result(), nil) // although the server does not end the stream
		c.expectEqual(time.Since(start), 5*time.Second)
	})
}

func TestHandlerThatDoesNotReturnIsAnError(t *testing.T) {
	runConsumerTest(t, client.Consumer{StopGrace: time.Second}, (*consumerTest).uncancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		c.send(stream, "1", 1)
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
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream, _ := c.nextStream()
		info := &errdetails.ErrorInfo{Reason: "ERROR_REASON_SUBSCRIPTION_MISMATCH"}
		stream.end <- statusWith(t, codes.FailedPrecondition, info).Err()
		c.expectEqual(client.ParseError(c.result()).ReasonName, info.GetReason())
	})
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
