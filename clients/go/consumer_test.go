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
	said    = ordersyncv1.StreamMessagesRequest
	message = ordersyncv1.Message
)

// desk is a server that hands each stream that is opened to the test.
type desk struct {
	ordersyncv1.UnimplementedOrderSyncServiceServer
	streams chan *opened
}

// opened is a stream at the server. The test says what goes out on it and how it ends.
type opened struct {
	ordersyncv1.OrderSyncService_StreamMessagesServer
	said chan *said // closed when the client says no more
	end  chan error
}

func (d *desk) StreamMessages(stream ordersyncv1.OrderSyncService_StreamMessagesServer) error {
	opened := &opened{stream, make(chan *said, 100), make(chan error, 1)}
	go func() {
		defer close(opened.said)
		for {
			request, err := stream.Recv()
			if err != nil {
				return
			}
			opened.said <- request
		}
	}()
	d.streams <- opened
	select {
	case err := <-opened.end:
		return err
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
}

// scene has a consumer that runs at a desk, in time that passes as soon as everybody waits.
type scene struct {
	*testing.T
	desk   *desk
	begun  chan *message // what handlers were begun with
	finish chan error    // what the next handler returns
	stop   context.CancelFunc
	ended  chan struct{}
	err    error // of the consumer, when it has ended
}

// handler is a method of the scene.
type handler func(*scene, context.Context, *message) error

// play lets a consumer run, and fails when it leaves something running.
func play(t *testing.T, consumer client.Consumer, handle handler, act func(*scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		listener := bufconn.Listen(1 << 20)
		desk := &desk{streams: make(chan *opened, 10)}
		// As the services have it.
		enforced := keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}
		server := grpc.NewServer(grpc.KeepaliveEnforcementPolicy(enforced))
		healthv1.RegisterHealthServer(server, newHealth())
		ordersyncv1.RegisterOrderSyncServiceServer(server, desk)
		go func() { _ = server.Serve(listener) }()
		defer server.Stop()
		dial := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
		conn := connect(t, "passthrough:///desk", client.OrderSync, grpc.WithContextDialer(dial))

		ctx, stop := context.WithCancel(t.Context())
		scene := &scene{
			T:      t,
			desk:   desk,
			begun:  make(chan *message, 100),
			finish: make(chan error, 100),
			stop:   stop,
			ended:  make(chan struct{}),
		}
		consumer.Conn, consumer.Subscription, consumer.Logger = conn, "shop", slog.New(slog.DiscardHandler)
		consumer.Handle = func(ctx context.Context, message *message) error { return handle(scene, ctx, message) }
		go func() {
			defer close(scene.ended)
			scene.err = consumer.Run(ctx)
		}()
		act(scene)
		stop()
		<-scene.ended
	})
}

// heedful waits for what it returns, or the end of its context.
func (s *scene) heedful(ctx context.Context, message *message) error {
	s.begun <- message
	select {
	case err := <-s.finish:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stubborn waits for what it returns.
func (s *scene) stubborn(_ context.Context, message *message) error {
	s.begun <- message
	return <-s.finish
}

func (s *scene) result() error {
	<-s.ended
	return s.err
}

// stream returns the next stream, after its opening.
func (s *scene) stream() (*opened, *ordersyncv1.StreamMessagesRequest_Open) {
	s.Helper()
	stream := <-s.desk.streams
	opening := (<-stream.said).GetOpen()
	if opening == nil {
		s.Fatal("it does not open the stream")
	}
	return stream, opening
}

func (s *scene) send(stream *opened, id string, attempt int32) {
	s.Helper()
	message := &message{MessageId: id, DeliveryAttempt: attempt}
	response := &ordersyncv1.StreamMessagesResponse{Response: &ordersyncv1.StreamMessagesResponse_Message{Message: message}}
	if err := stream.Send(response); err != nil {
		s.Fatal(err)
	}
}

// acks returns the ids of so many acknowledgements, sorted.
func (s *scene) acks(stream *opened, count int) []string {
	s.Helper()
	var ids []string
	for len(ids) < count {
		request := <-stream.said
		if request.GetAck() == nil {
			s.Fatalf("no acknowledgement: %v", request)
		}
		ids = append(ids, request.GetAck().GetMessageIds()...)
	}
	slices.Sort(ids)
	return ids
}

// lease fails where a lease of one message is not what is said next, so long after it is asked for.
func (s *scene) lease(stream *opened, id string, lease, least, most time.Duration) {
	s.Helper()
	began := time.Now()
	request := <-stream.said
	waited := time.Since(began)
	set := request.GetSetLease()
	if !slices.Equal(set.GetMessageIds(), []string{id}) || set.GetLease().AsDuration() != lease {
		s.Fatalf("%v, no lease of %s for %s", request, lease, id)
	}
	if waited < least || waited > most {
		s.Fatalf("after %s, not %s to %s", waited, least, most)
	}
}

func (s *scene) equal(found, wanted any) {
	s.Helper()
	if found != wanted {
		s.Fatalf("%v, not %v", found, wanted)
	}
}

func TestHandledMessagesAreAcknowledgedAndNoMoreAreInHandThanItSays(t *testing.T) {
	start := time.Date(2026, 9, 3, 1, 10, 10, 0, time.UTC)
	consumer := client.Consumer{Topics: []string{"A"}, StartTime: start, MaxOutstanding: 2, Lease: 10 * time.Minute}
	play(t, consumer, (*scene).heedful, func(s *scene) {
		stream, opening := s.stream()
		s.equal(opening.GetSubscription(), "shop")
		s.equal(opening.GetTopics()[0], "A")
		s.equal(opening.GetStartTime().AsTime(), start)
		s.equal(opening.GetMaxOutstanding(), int32(2))
		s.equal(opening.GetLease().AsDuration(), 10*time.Minute)
		for _, id := range []string{"1", "2", "3"} {
			s.send(stream, id, 1)
		}
		synctest.Wait()
		s.equal(len(s.begun), 2)
		s.equal(len(stream.said), 0)
		for range 3 {
			s.finish <- nil
		}
		if ids := s.acks(stream, 3); !slices.Equal(ids, []string{"1", "2", "3"}) {
			s.Fatal(ids)
		}
		s.equal(len(s.begun), 3)
	})
}

func TestAFailedMessageIsGivenBackAfterAPauseThatGrows(t *testing.T) {
	play(t, client.Consumer{Lease: 10 * time.Minute}, (*scene).heedful, func(s *scene) {
		stream, _ := s.stream()
		for attempt, most := range map[int32]time.Duration{1: 200 * time.Millisecond, 4: 1600 * time.Millisecond, 10: 20 * time.Second} {
			s.send(stream, "1", attempt)
			s.finish <- errors.New("made up")
			s.lease(stream, "1", 0, most/2, most)
		}
		s.send(stream, "1", 11)
		s.finish <- nil
		s.acks(stream, 1)
	})
}

func TestALeaseIsExtendedUntilItsHandlerTakesTooLong(t *testing.T) {
	play(t, client.Consumer{Lease: 30 * time.Second, HandlerTimeout: 25 * time.Second}, (*scene).stubborn, func(s *scene) {
		stream, _ := s.stream()
		s.send(stream, "1", 1)
		s.lease(stream, "1", 30*time.Second, 9*time.Second, 11*time.Second)
		s.lease(stream, "1", 30*time.Second, 9*time.Second, 11*time.Second)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		s.equal(len(stream.said), 0)
		s.finish <- nil
		s.acks(stream, 1) // it was done, if late
	})
}

func TestItResumesAfterABreakAndDoesNothingTwice(t *testing.T) {
	play(t, client.Consumer{}, (*scene).heedful, func(s *scene) {
		first, _ := s.stream()
		s.send(first, "1", 1)
		<-s.begun
		broken := time.Now()
		retry := &errdetails.RetryInfo{RetryDelay: durationpb.New(7 * time.Second)}
		first.end <- refusal(t, codes.Unavailable, retry).Err()

		second, _ := s.stream()
		if waited := time.Since(broken); waited < 7*time.Second || waited > 8*time.Second {
			s.Fatal(waited)
		}
		s.send(second, "1", 2)
		s.lease(second, "1", time.Minute, 19*time.Second, 21*time.Second)
		s.send(second, "2", 1)
		<-s.begun
		s.finish <- nil
		s.finish <- nil
		s.acks(second, 2)
		s.equal(len(s.begun), 0)

		second.end <- nil // a drain; it may have lost the acknowledgements
		third, _ := s.stream()
		s.send(third, "1", 3)
		s.send(third, "2", 2)
		s.acks(third, 2)
		s.equal(len(s.begun), 0)
	})
}

func TestWhatIsFinishedBetweenStreamsIsAcknowledgedOnTheNextOne(t *testing.T) {
	play(t, client.Consumer{}, (*scene).heedful, func(s *scene) {
		first, _ := s.stream()
		s.send(first, "done", 1)
		s.send(first, "failed", 1)
		<-s.begun
		<-s.begun
		first.end <- refusal(t, codes.Unavailable, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}).Err()
		synctest.Wait()
		s.finish <- nil
		s.finish <- errors.New("made up")
		second, _ := s.stream()
		s.equal(len(s.acks(second, 1)), 1)
		synctest.Wait()
		s.equal(len(second.said), 0) // the lease of what failed ended with the first stream
	})
}

func TestALeaseEndsWithItsStream(t *testing.T) {
	play(t, client.Consumer{}, (*scene).heedful, func(s *scene) {
		first, _ := s.stream()
		s.send(first, "1", 1)
		<-s.begun
		first.end <- status.Error(codes.Unavailable, "made up")
		second, _ := s.stream()
		time.Sleep(time.Minute)
		s.finish <- errors.New("made up")
		time.Sleep(time.Second)
		s.equal(len(second.said), 0)
	})
}

func TestPausesBetweenStreamsGrowUntilAMessageComes(t *testing.T) {
	play(t, client.Consumer{}, (*scene).heedful, func(s *scene) {
		last := time.Now()
		for _, most := range []time.Duration{0, 200, 400, 800, 1600} {
			stream, _ := s.stream()
			waited := time.Since(last).Milliseconds()
			if waited < int64(most/2) || waited > int64(most) {
				s.Fatalf("%d ms, not up to %d", waited, most)
			}
			last = time.Now()
			stream.end <- status.Error(codes.Unavailable, "made up")
		}
		stream, _ := s.stream()
		s.send(stream, "1", 1)
		<-s.begun
		last = time.Now()
		stream.end <- status.Error(codes.Unavailable, "made up")
		s.stream()
		if waited := time.Since(last); waited > 200*time.Millisecond {
			s.Fatalf("after a message: %s", waited)
		}
	})
}

func TestStoppedItEndsWhatWasBegunAndBeginsNoMore(t *testing.T) {
	play(t, client.Consumer{}, (*scene).heedful, func(s *scene) {
		stream, _ := s.stream()
		s.send(stream, "1", 1)
		<-s.begun
		s.stop()
		synctest.Wait()
		s.send(stream, "2", 1)
		synctest.Wait()
		select {
		case <-s.ended:
			s.Fatal("a handler runs")
		default:
		}
		finished := time.Now()
		s.finish <- nil
		s.equal(s.acks(stream, 1)[0], "1")
		if request, more := <-stream.said; more {
			s.Fatal(request)
		}
		s.equal(time.Since(finished), time.Duration(0)) // it says itself that there is no more
		stream.end <- nil
		s.equal(s.result(), nil)
		s.equal(len(s.begun), 0)
	})
}

func TestStoppedItDoesNotWaitForEver(t *testing.T) {
	play(t, client.Consumer{StopGrace: 2 * time.Second}, (*scene).heedful, func(s *scene) {
		stream, _ := s.stream()
		s.send(stream, "1", 1)
		<-s.begun
		s.stop()
		s.lease(stream, "1", 0, 2*time.Second, 2*time.Second)
		began := time.Now()
		s.equal(s.result(), nil) // though the server does not end the stream
		s.equal(time.Since(began), 5*time.Second)
	})
}

func TestAHandlerThatDoesNotReturnIsTold(t *testing.T) {
	play(t, client.Consumer{StopGrace: time.Second}, (*scene).stubborn, func(s *scene) {
		stream, _ := s.stream()
		s.send(stream, "1", 1)
		synctest.Wait()
		s.stop()
		stream.end <- nil
		if err := s.result(); err == nil {
			s.Fatal("a handler is left")
		}
		s.finish <- nil
	})
}

func TestWhatNoRepeatHelpsAgainstIsReturned(t *testing.T) {
	play(t, client.Consumer{}, (*scene).heedful, func(s *scene) {
		stream, _ := s.stream()
		info := &errdetails.ErrorInfo{Reason: "ERROR_REASON_SUBSCRIPTION_MISMATCH"}
		stream.end <- refusal(t, codes.FailedPrecondition, info).Err()
		s.equal(client.FailureOf(s.result()).ReasonName, info.GetReason())
	})
}

func TestOptionsThatTheServiceWouldRefuse(t *testing.T) {
	fine := client.Consumer{
		Conn:         connect(t, "localhost:1", client.OrderSync),
		Subscription: "shop",
		Handle:       func(context.Context, *message) error { return nil },
	}
	for name, change := range map[string]func(*client.Consumer){
		"no channel":      func(c *client.Consumer) { c.Conn = nil },
		"no subscription": func(c *client.Consumer) { c.Subscription = "" },
		"no handler":      func(c *client.Consumer) { c.Handle = nil },
		"in hand":         func(c *client.Consumer) { c.MaxOutstanding = 1001 },
		"lease":           func(c *client.Consumer) { c.Lease = 9 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			wrong := fine
			change(&wrong)
			if err := wrong.Run(deadline(t)); err == nil {
				t.Error("it runs")
			}
		})
	}
}
