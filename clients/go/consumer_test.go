package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

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
// tests/consumers has what consumers of all languages do.
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

// nextStream waits for the next stream and returns it after its first request.
func (c *consumerTest) nextStream() *serverStream {
	c.Helper()
	stream := <-c.server.streams
	if request := <-stream.requests; request.GetOpen() == nil {
		c.Fatalf("got %v, want an open", request)
	}
	return stream
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

// expectAcks fails unless the next requests acknowledge exactly these, which are sorted.
func (c *consumerTest) expectAcks(stream *serverStream, ackIDs ...string) {
	c.Helper()
	var got []string
	for len(got) < len(ackIDs) {
		request := c.nextRequest(stream)
		if request.GetAck() == nil {
			c.Fatalf("got %v, want an acknowledgement", request)
		}
		got = append(got, request.GetAck().GetAckIds()...)
	}
	slices.Sort(got)
	if !slices.Equal(got, ackIDs) {
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

func TestFailedMessageIsReleasedAfterBackoff(t *testing.T) {
	runConsumerTest(t, client.Consumer{Lease: 10 * time.Minute}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream := c.nextStream()
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

func TestLapsedLeaseCancelsTheHandlerAndIsLeftAlone(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream := c.nextStream()
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

func TestLapsedAckIsLogged(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		stream := c.nextStream()
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

func TestStreamThatBreaksThreeTimesInARowIsAWarning(t *testing.T) {
	runConsumerTest(t, client.Consumer{}, (*consumerTest).cancellable, func(c *consumerTest) {
		for range 3 {
			c.nextStream().end <- status.Error(codes.Unavailable, "simulated")
		}
		c.nextStream()
		line := `msg=stream_ended code=Unavailable reason="" message=simulated`
		c.expectEqual(strings.Count(c.logged.String(), "level=INFO "+line), 2)
		c.expectEqual(strings.Count(c.logged.String(), "level=WARN "+line), 1)
	})
}

func TestHandlerThatDoesNotReturnIsAnError(t *testing.T) {
	runConsumerTest(t, client.Consumer{StopGrace: time.Second}, (*consumerTest).uncancellable, func(c *consumerTest) {
		stream := c.nextStream()
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

func TestOtherContextsHaveNoReceivedMessage(t *testing.T) {
	if received := client.ReceivedMessageFromContext(t.Context()); received != nil {
		t.Error(received)
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
