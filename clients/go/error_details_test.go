package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"nationalsite.internal/client"
	errorsv1 "nationalsite.internal/go/errors/v1"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// failingServer fails every call with the same status and pushback.
type failingServer struct {
	ordersyncv1.UnimplementedOrderSyncServiceServer
	status   *status.Status
	pushback string
}

func (s *failingServer) GetDelivery(ctx context.Context, _ *ordersyncv1.GetDeliveryRequest) (*ordersyncv1.GetDeliveryResponse, error) {
	if err := grpc.SetTrailer(ctx, s.trailer()); err != nil {
		return nil, err
	}
	return nil, s.status.Err()
}

func (s *failingServer) StreamMessages(stream ordersyncv1.OrderSyncService_StreamMessagesServer) error {
	stream.SetTrailer(s.trailer())
	return s.status.Err()
}

func (s *failingServer) trailer() metadata.MD {
	return metadata.Pairs("grpc-retry-pushback-ms", s.pushback)
}

// call returns the error details of a unary call, a stream and a wrapped error.
func (s *failingServer) call(t *testing.T) map[string]*client.ErrorDetails {
	t.Helper()
	address := serve(t, func(server *grpc.Server) { ordersyncv1.RegisterOrderSyncServiceServer(server, s) })
	orders := ordersyncv1.NewOrderSyncServiceClient(connect(t, address, client.OrderSync))
	_, callErr := orders.GetDelivery(timeoutContext(t), &ordersyncv1.GetDeliveryRequest{})
	stream, err := orders.StreamMessages(timeoutContext(t))
	if err != nil {
		t.Fatal(err)
	}
	_, streamErr := stream.Recv()
	return map[string]*client.ErrorDetails{
		"call":    client.ParseError(callErr),
		"stream":  client.ParseError(streamErr),
		"wrapped": client.ParseError(fmt.Errorf("wrapped: %w", callErr)),
	}
}

func statusWith(t *testing.T, code codes.Code, details ...protoadapt.MessageV1) *status.Status {
	t.Helper()
	grpcStatus, err := status.New(code, "simulated").WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	return grpcStatus
}

func TestAllDetailsAreParsed(t *testing.T) {
	server := &failingServer{pushback: "1500", status: statusWith(t, codes.FailedPrecondition,
		&errdetails.ErrorInfo{
			Reason:   "ERROR_REASON_OFFER_NOT_FOUND",
			Domain:   "nationalsite",
			Metadata: map[string]string{"source": "1688", "upstreamMessage": "商品不存在"},
		},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "filters[0]", Reason: "STRING_MIN_LEN"},
		}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
		&errdetails.QuotaFailure{},
	)}
	for name, details := range server.call(t) {
		t.Run(name, func(t *testing.T) {
			if details.Code != codes.FailedPrecondition || details.Message != "simulated" {
				t.Error(details.Code, details.Message)
			}
			if details.Reason != errorsv1.ErrorReason_ERROR_REASON_OFFER_NOT_FOUND || details.ReasonName != details.Reason.String() {
				t.Error(details.Reason, details.ReasonName)
			}
			if details.Retry != errorsv1.Retry_RETRY_NEVER {
				t.Error(details.Retry)
			}
			if details.Metadata["upstreamMessage"] != "商品不存在" {
				t.Error(details.Metadata)
			}
			if len(details.FieldViolations) != 1 || details.FieldViolations[0].GetField() != "filters[0]" ||
				details.FieldViolations[0].GetReason() != "STRING_MIN_LEN" {
				t.Error(details.FieldViolations)
			}
			if *details.RetryDelay != 1500*time.Millisecond || *details.Pushback != 1500*time.Millisecond {
				t.Error(details.RetryDelay, details.Pushback)
			}
			if len(details.Details) != 4 {
				t.Error(details.Details)
			}
		})
	}
}

func TestMissingDetailsAreEmpty(t *testing.T) {
	server := &failingServer{pushback: "-1", status: statusWith(t, codes.Aborted, &errdetails.ErrorInfo{Reason: "ERROR_REASON_NEWER", Domain: "nationalsite"})}
	for name, details := range server.call(t) {
		if details.Reason != errorsv1.ErrorReason_ERROR_REASON_UNSPECIFIED || details.ReasonName != "ERROR_REASON_NEWER" {
			t.Error(name, details.Reason, details.ReasonName)
		}
		if details.Retry != errorsv1.Retry_RETRY_UNSPECIFIED {
			t.Error(name, details.Retry)
		}
		if details.RetryDelay != nil || *details.Pushback >= 0 || details.FieldViolations != nil {
			t.Error(name, details.RetryDelay, details.Pushback, details.FieldViolations)
		}
	}
	for code, err := range map[codes.Code]error{
		codes.DeadlineExceeded: context.DeadlineExceeded,
		codes.Unknown:          errors.New("not from a call"),
	} {
		if details := client.ParseError(err); details.Code != code || details.Pushback != nil || details.Details != nil {
			t.Error(details)
		}
	}
	if client.ParseError(nil) != nil || client.ParseStatus(nil) != nil {
		t.Error("details of a success")
	}
}

func TestFailedResultIsParsed(t *testing.T) {
	details := client.ParseStatus(statusWith(t, codes.FailedPrecondition, &errdetails.ErrorInfo{
		Reason: "ERROR_REASON_UPSTREAM_REFUSED", Domain: "nationalsite", Metadata: map[string]string{"upstreamCode": "400"},
	}).Proto())
	if details.Code != codes.FailedPrecondition || details.Metadata["upstreamCode"] != "400" {
		t.Error(details)
	}
}
