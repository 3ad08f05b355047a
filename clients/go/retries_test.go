package client_test

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"nationalsite.internal/client"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// clockTolerance is the difference between two clocks of gRPC that is not an error.
const clockTolerance = 20 * time.Millisecond

// sharedCases are the files that the tests of all client libraries read; their README explains them.
const sharedCases = "../../tests/clients/"

func readCases(t *testing.T, name string, cases any) {
	t.Helper()
	text, err := os.ReadFile(sharedCases + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, cases); err != nil {
		t.Fatal(err)
	}
}

// callError is an error in the form of retry_cases.json.
type callError struct {
	Code         string
	Reason       string
	Domain       string
	RetryDelayMS *int64 `json:"retry_delay_ms"`
	PushbackMS   *int   `json:"pushback_ms"`
}

func (e *callError) send(ctx context.Context) error {
	var code codes.Code
	if err := code.UnmarshalJSON([]byte(strconv.Quote(e.Code))); err != nil {
		return err
	}
	var details []protoadapt.MessageV1
	if e.Reason != "" {
		details = append(details, &errdetails.ErrorInfo{Reason: e.Reason, Domain: cmp.Or(e.Domain, "nationalsite")})
	}
	if e.RetryDelayMS != nil {
		delay := durationpb.New(time.Duration(*e.RetryDelayMS) * time.Millisecond)
		details = append(details, &errdetails.RetryInfo{RetryDelay: delay})
	}
	if e.PushbackMS != nil {
		trailer := metadata.Pairs("grpc-retry-pushback-ms", strconv.Itoa(*e.PushbackMS))
		if err := grpc.SetTrailer(ctx, trailer); err != nil {
			return err
		}
	}
	grpcStatus, err := status.New(code, "simulated").WithDetails(details...)
	if err != nil {
		return err
	}
	return grpcStatus.Err()
}

// receivedCall is a call that a scriptedServer has received.
type receivedCall struct {
	request   proto.Message
	time      time.Time
	remaining time.Duration // until its deadline
}

// scriptedServer answers calls with its errors, one after the other, where nil is a success.
type scriptedServer struct {
	ordersyncv1.UnimplementedOrderSyncServiceServer
	mu       sync.Mutex
	errors   []*callError
	calls    []receivedCall
	delivery []*ordersyncv1.Delivery // of the calls that succeed; the last one is used again
	tokens   []string                // next_page_token of the calls that succeed
}

func (s *scriptedServer) receive(ctx context.Context, request proto.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	call := receivedCall{request: request, time: time.Now()}
	if deadline, ok := ctx.Deadline(); ok {
		call.remaining = time.Until(deadline)
	}
	s.calls = append(s.calls, call)
	if len(s.errors) == 0 {
		return nil
	}
	next := s.errors[0]
	s.errors = s.errors[1:]
	if next == nil {
		return nil
	}
	return next.send(ctx)
}

func (s *scriptedServer) GetDelivery(ctx context.Context, request *ordersyncv1.GetDeliveryRequest) (*ordersyncv1.GetDeliveryResponse, error) {
	err := s.receive(ctx, request)
	response := &ordersyncv1.GetDeliveryResponse{}
	if err == nil && len(s.delivery) > 0 {
		response.Delivery = s.delivery[0]
		s.delivery = s.delivery[min(1, len(s.delivery)-1):]
	}
	return response, err
}

func (s *scriptedServer) SyncOrder(ctx context.Context, request *ordersyncv1.SyncOrderRequest) (*ordersyncv1.SyncOrderResponse, error) {
	return &ordersyncv1.SyncOrderResponse{}, s.receive(ctx, request)
}

func (s *scriptedServer) PullMessages(ctx context.Context, request *ordersyncv1.PullMessagesRequest) (*ordersyncv1.PullMessagesResponse, error) {
	return &ordersyncv1.PullMessagesResponse{}, s.receive(ctx, request)
}

func (s *scriptedServer) ListDeliveries(ctx context.Context, request *ordersyncv1.ListDeliveriesRequest) (*ordersyncv1.ListDeliveriesResponse, error) {
	err := s.receive(ctx, request)
	response := &ordersyncv1.ListDeliveriesResponse{}
	if err == nil && len(s.tokens) > 0 {
		response.NextPageToken, s.tokens = s.tokens[0], s.tokens[1:]
	}
	return response, err
}

// start returns a stub whose channel does not retry by itself.
func (s *scriptedServer) start(t *testing.T) ordersyncv1.OrderSyncServiceClient {
	t.Helper()
	address := serve(t, func(server *grpc.Server) { ordersyncv1.RegisterOrderSyncServiceServer(server, s) })
	return ordersyncv1.NewOrderSyncServiceClient(connect(t, address, client.OrderSync, grpc.WithDisableRetry()))
}

// callWithRetries calls a method with a request in protobuf's JSON, and returns the request.
func callWithRetries[Request, Response proto.Message](
	t *testing.T, ctx context.Context, method client.Method[Request, Response], text []byte, options []grpc.CallOption,
) (proto.Message, error) {
	t.Helper()
	var request Request
	request = request.ProtoReflect().New().Interface().(Request)
	if len(text) > 0 {
		if err := protojson.Unmarshal(text, request); err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.CallWithRetries(ctx, method, request, options...)
	return request, err
}

func TestSharedRetryCases(t *testing.T) {
	var cases []struct {
		Name        string
		Method      string
		Request     json.RawMessage
		Error       *callError
		Failures    *int
		TimeoutMS   int64 `json:"timeout_ms"`
		MaxAttempts int   `json:"max_attempts"`
		MayRepeat   bool  `json:"may_repeat"`
		Calls       int
		MinPauseMS  int64 `json:"min_pause_ms"`
		Code        string
	}
	readCases(t, "retry_cases.json", &cases)
	for _, test := range cases {
		t.Run(test.Name, func(t *testing.T) {
			t.Parallel()
			server := &scriptedServer{}
			failures := 1
			if test.Failures != nil {
				failures = *test.Failures
			}
			for range failures {
				server.errors = append(server.errors, test.Error)
			}
			orders := server.start(t)
			timeout := 20 * time.Second
			if test.TimeoutMS > 0 {
				timeout = time.Duration(test.TimeoutMS) * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			var options []grpc.CallOption
			if test.MaxAttempts > 0 {
				options = append(options, client.WithMaxAttempts(test.MaxAttempts))
			}
			var request proto.Message
			var err error
			start := time.Now()
			switch test.Method {
			case "GetDelivery":
				request, err = callWithRetries(t, ctx, orders.GetDelivery, test.Request, options)
			case "SyncOrder":
				request, err = callWithRetries(t, ctx, orders.SyncOrder, test.Request, options)
			case "PullMessages":
				request, err = callWithRetries(t, ctx, orders.PullMessages, test.Request, options)
			default:
				t.Fatal(test.Method)
			}
			var code codes.Code
			if jsonErr := code.UnmarshalJSON([]byte(strconv.Quote(test.Code))); jsonErr != nil || status.Code(err) != code {
				t.Errorf("got %v, want %s", err, test.Code)
			}
			if err != nil && client.ParseError(err).MayRepeat() != test.MayRepeat {
				t.Errorf("MayRepeat is not %v", test.MayRepeat)
			}
			if time.Since(start) >= timeout {
				t.Error("the call ended late")
			}
			if len(server.calls) != test.Calls {
				t.Fatalf("got %d calls, want %d", len(server.calls), test.Calls)
			}
			for _, call := range server.calls {
				if !proto.Equal(call.request, request) {
					t.Errorf("got %v, want %v", call.request, request)
				}
				if left := timeout - call.time.Sub(server.calls[0].time); call.remaining > left+clockTolerance {
					t.Errorf("the deadline is in %s, not in %s", call.remaining, left)
				}
			}
			if test.Calls > 1 {
				pause := server.calls[1].time.Sub(server.calls[0].time)
				if pause < time.Duration(test.MinPauseMS)*time.Millisecond {
					t.Errorf("a pause of %s", pause)
				}
			}
		})
	}
}

func TestSharedCasesOfMayRepeat(t *testing.T) {
	var cases []struct {
		Name      string
		Error     *callError
		MayRepeat bool `json:"may_repeat"`
	}
	readCases(t, "retry_cases.json", &cases)
	for _, test := range cases {
		if test.Error == nil {
			continue
		}
		orders := (&scriptedServer{errors: []*callError{test.Error}}).start(t)
		_, err := orders.GetDelivery(timeoutContext(t), &ordersyncv1.GetDeliveryRequest{})
		if got := client.ParseError(err).MayRepeat(); got != test.MayRepeat {
			t.Errorf("%s: got %v", test.Name, got)
		}
	}
}

func TestRetriesEndWithTheContext(t *testing.T) {
	delay := int64(60_000)
	overloaded := &callError{Code: "RESOURCE_EXHAUSTED", Reason: "ERROR_REASON_OVERLOADED", RetryDelayMS: &delay}
	server := &scriptedServer{errors: []*callError{overloaded}}
	orders := server.start(t)
	ctx, cancel := context.WithCancel(t.Context()) // without a deadline
	method := func(ctx context.Context, request *ordersyncv1.GetDeliveryRequest, options ...grpc.CallOption) (*ordersyncv1.GetDeliveryResponse, error) {
		response, err := orders.GetDelivery(ctx, request, options...)
		cancel()
		return response, err
	}
	_, err := client.CallWithRetries(ctx, method, &ordersyncv1.GetDeliveryRequest{})
	if status.Code(err) != codes.ResourceExhausted || len(server.calls) != 1 {
		t.Errorf("%v after %d calls", err, len(server.calls))
	}
}

func TestResultsArePairedWithTheirRelations(t *testing.T) {
	request := &ordersyncv1.WriteOrderRelationsRequest{}
	for _, id := range []string{"1", "2", "3"} {
		request.Relations = append(request.Relations, &ordersyncv1.OrderRelation{NationalOrderId: id})
	}
	refused := status.New(codes.FailedPrecondition, "no").Proto()
	response := &ordersyncv1.WriteOrderRelationsResponse{Results: []*ordersyncv1.OrderRelationResult{{}, {Status: refused}}}
	var lines []string
	for relation, details := range client.PairResults(request, response) {
		line := relation.GetNationalOrderId()
		if details != nil {
			line += " " + details.Code.String()
		}
		lines = append(lines, line)
	}
	if got := strings.Join(lines, ", "); got != "1, 2 FailedPrecondition, 3 Internal" {
		t.Error(got)
	}
}
