package client

import (
	"errors"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	errorsv1 "nationalsite.internal/go/errors/v1"
)

// Failure is what a failed call tells, or one result that is none.
type Failure struct {
	Status codes.Code
	// Message is for people; act by the reason.
	Message string
	// Reason is unspecified where gRPC itself failed, and where the reason is newer than these stubs.
	Reason errorsv1.ErrorReason
	// ReasonName is as it came, such as ERROR_REASON_OFFER_NOT_FOUND; empty where gRPC itself failed.
	ReasonName string
	// Info is what ErrorInfo adds: source, operation, and 1688's own code and message.
	Info       map[string]string
	Violations []*errdetails.BadRequest_FieldViolation
	// RetryDelay is after how long a repeat may help; nil: the service does not say.
	RetryDelay *time.Duration
	// Pushback is the same as gRPC's own retries read it: negative = never repeat. It is known for calls
	// on a channel of Connect; nil: there is none.
	Pushback *time.Duration
	// Details are all of a known type, in their order.
	Details []proto.Message
}

// FailureOf returns what the error of a call tells; nil for nil. An error that is not of a call has the status
// UNKNOWN, or that of the context's end that it is.
func FailureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	told := status.FromContextError(err)
	var call interface{ GRPCStatus() *status.Status }
	if errors.As(err, &call) {
		told = call.GRPCStatus()
	}
	failure := failureOf(told)
	failure.Pushback = pushback(trailerOf(err))
	return failure
}

// FailedResult returns what one result of WriteOrderRelations tells; nil where it is OK.
func FailedResult(result *statuspb.Status) *Failure {
	if result.GetCode() == int32(codes.OK) {
		return nil
	}
	return failureOf(status.FromProto(result))
}

func failureOf(told *status.Status) *Failure {
	failure := &Failure{Status: told.Code(), Message: told.Message()}
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			failure.Reason = errorsv1.ErrorReason(errorsv1.ErrorReason_value[detail.GetReason()])
			failure.ReasonName = detail.GetReason()
			failure.Info = detail.GetMetadata()
		case *errdetails.BadRequest:
			failure.Violations = detail.GetFieldViolations()
		case *errdetails.RetryInfo:
			failure.RetryDelay = new(detail.GetRetryDelay().AsDuration())
		}
		if known, ok := detail.(proto.Message); ok {
			failure.Details = append(failure.Details, known)
		}
	}
	return failure
}

func pushback(trailer metadata.MD) *time.Duration {
	values := trailer.Get("grpc-retry-pushback-ms")
	if len(values) == 0 {
		return nil
	}
	milliseconds, err := strconv.Atoi(values[0])
	if err != nil {
		milliseconds = -1 // gRPC repeats nothing either where it cannot read it
	}
	return new(time.Duration(milliseconds) * time.Millisecond)
}
