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

// refusing fails every call with the same status and pushback.
type refusing struct {
	ordersyncv1.UnimplementedOrderSyncServiceServer
	status   *status.Status
	pushback string
}

func (r *refusing) GetDelivery(ctx context.Context, _ *ordersyncv1.GetDeliveryRequest) (*ordersyncv1.GetDeliveryResponse, error) {
	if err := grpc.SetTrailer(ctx, r.trailer()); err != nil {
		return nil, err
	}
	return nil, r.status.Err()
}

func (r *refusing) StreamMessages(stream ordersyncv1.OrderSyncService_StreamMessagesServer) error {
	stream.SetTrailer(r.trailer())
	return r.status.Err()
}

func (r *refusing) trailer() metadata.MD { return metadata.Pairs("grpc-retry-pushback-ms", r.pushback) }

// failures returns what a call and a stream tell of it.
func (r *refusing) failures(t *testing.T) map[string]*client.Failure {
	t.Helper()
	address := serve(t, func(server *grpc.Server) { ordersyncv1.RegisterOrderSyncServiceServer(server, r) })
	orders := ordersyncv1.NewOrderSyncServiceClient(connect(t, address, client.OrderSync))
	_, failed := orders.GetDelivery(deadline(t), &ordersyncv1.GetDeliveryRequest{})
	stream, err := orders.StreamMessages(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	_, broken := stream.Recv()
	return map[string]*client.Failure{
		"call":    client.FailureOf(failed),
		"stream":  client.FailureOf(broken),
		"wrapped": client.FailureOf(fmt.Errorf("of ours: %w", failed)),
	}
}

func refusal(t *testing.T, code codes.Code, details ...protoadapt.MessageV1) *status.Status {
	t.Helper()
	told, err := status.New(code, "made up").WithDetails(details...)
	if err != nil {
		t.Fatal(err)
	}
	return told
}

func TestWhatAFailureTells(t *testing.T) {
	refusing := &refusing{pushback: "1500", status: refusal(t, codes.FailedPrecondition,
		&errdetails.ErrorInfo{
			Reason:   "ERROR_REASON_OFFER_NOT_FOUND",
			Domain:   "nationalsite",
			Metadata: map[string]string{"source": "1688", "message": "商品不存在"},
		},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "filters[0]"}}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
		&errdetails.QuotaFailure{},
	)}
	for name, told := range refusing.failures(t) {
		t.Run(name, func(t *testing.T) {
			if told.Status != codes.FailedPrecondition || told.Message != "made up" {
				t.Error(told.Status, told.Message)
			}
			if told.Reason != errorsv1.ErrorReason_ERROR_REASON_OFFER_NOT_FOUND || told.ReasonName != told.Reason.String() {
				t.Error(told.Reason, told.ReasonName)
			}
			if told.Info["message"] != "商品不存在" {
				t.Error(told.Info)
			}
			if len(told.Violations) != 1 || told.Violations[0].GetField() != "filters[0]" {
				t.Error(told.Violations)
			}
			if *told.RetryDelay != 1500*time.Millisecond || *told.Pushback != 1500*time.Millisecond {
				t.Error(told.RetryDelay, told.Pushback)
			}
			if len(told.Details) != 4 {
				t.Error(told.Details)
			}
		})
	}
}

func TestWhatAFailureDoesNotTell(t *testing.T) {
	refusing := &refusing{pushback: "-1", status: refusal(t, codes.Aborted, &errdetails.ErrorInfo{Reason: "ERROR_REASON_NEWER"})}
	for name, told := range refusing.failures(t) {
		if told.Reason != errorsv1.ErrorReason_ERROR_REASON_UNSPECIFIED || told.ReasonName != "ERROR_REASON_NEWER" {
			t.Error(name, told.Reason, told.ReasonName)
		}
		if told.RetryDelay != nil || *told.Pushback >= 0 || told.Violations != nil {
			t.Error(name, told.RetryDelay, told.Pushback, told.Violations)
		}
	}
	for want, err := range map[codes.Code]error{
		codes.DeadlineExceeded: context.DeadlineExceeded,
		codes.Unknown:          errors.New("of ours"),
	} {
		if told := client.FailureOf(err); told.Status != want || told.Pushback != nil || told.Details != nil {
			t.Error(told)
		}
	}
	if client.FailureOf(nil) != nil || client.FailedResult(nil) != nil {
		t.Error("nothing has failed")
	}
}

func TestAResultThatFailed(t *testing.T) {
	told := client.FailedResult(refusal(t, codes.FailedPrecondition, &errdetails.ErrorInfo{
		Reason: "ERROR_REASON_UPSTREAM_REFUSED", Metadata: map[string]string{"code": "400"},
	}).Proto())
	if told.Status != codes.FailedPrecondition || told.Info["code"] != "400" {
		t.Error(told)
	}
}
