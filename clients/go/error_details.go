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

// errorDomain is that of the reasons of the services. Proxies have reasons of their own.
const errorDomain = "nationalsite"

// ErrorDetails is the status of a failed call, or of one failed result, with its details.
type ErrorDetails struct {
	Code codes.Code
	// Message is for people. Programs decide by Reason.
	Message string
	// Reason is unspecified if gRPC itself failed, or if the reason is newer than these stubs.
	Reason errorsv1.ErrorReason
	// ReasonName is the reason as it was sent, such as ERROR_REASON_OFFER_NOT_FOUND. Empty if gRPC itself failed, or a
	// proxy.
	ReasonName string
	// Retry says whether a retry makes sense, by the rule of the reason. Unspecified if the reason is.
	Retry errorsv1.Retry
	// Metadata is that of ErrorInfo: source, operation, dialect, 1688's own upstreamCode and upstreamMessage, and
	// what else the rule of the reason lists.
	Metadata map[string]string
	// FieldViolations are the request fields that break a rule. Their reason is the rule, such as STRING_MAX_LEN.
	FieldViolations []*errdetails.BadRequest_FieldViolation
	// RetryDelay is how long to wait before a retry. Nil if the service does not say.
	RetryDelay *time.Duration
	// Pushback is the retry delay that gRPC's own retries obey; negative means do not retry. Only calls on a
	// channel of Connect have it. Nil if the server sent none.
	Pushback *time.Duration
	// Details are all details of a known type, in the order in which they were sent.
	Details []proto.Message
}

// ParseError returns the details of a call's error, and nil for nil. An error that is not from a call has the
// code UNKNOWN, or the code of the context error that it wraps.
func ParseError(err error) *ErrorDetails {
	if err == nil {
		return nil
	}
	grpcStatus := status.FromContextError(err)
	var callError interface{ GRPCStatus() *status.Status }
	if errors.As(err, &callError) {
		grpcStatus = callError.GRPCStatus()
	}
	details := newErrorDetails(grpcStatus)
	details.Pushback = parsePushback(trailerFrom(err))
	return details
}

// ParseStatus returns the details of the status of one result of WriteOrderRelations, and nil if it is OK.
func ParseStatus(result *statuspb.Status) *ErrorDetails {
	if result.GetCode() == int32(codes.OK) {
		return nil
	}
	return newErrorDetails(status.FromProto(result))
}

func newErrorDetails(grpcStatus *status.Status) *ErrorDetails {
	details := &ErrorDetails{Code: grpcStatus.Code(), Message: grpcStatus.Message()}
	for _, detail := range grpcStatus.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() != errorDomain {
				break
			}
			details.Reason = errorsv1.ErrorReason(errorsv1.ErrorReason_value[detail.GetReason()])
			details.ReasonName = detail.GetReason()
			details.Retry = ruleOf(details.Reason).GetRetry()
			details.Metadata = detail.GetMetadata()
		case *errdetails.BadRequest:
			details.FieldViolations = detail.GetFieldViolations()
		case *errdetails.RetryInfo:
			details.RetryDelay = new(detail.GetRetryDelay().AsDuration())
		}
		// A detail of an unknown type is an error here, not a message.
		if message, ok := detail.(proto.Message); ok {
			details.Details = append(details.Details, message)
		}
	}
	return details
}

func ruleOf(reason errorsv1.ErrorReason) *errorsv1.ReasonRule {
	options := reason.Descriptor().Values().ByNumber(reason.Number()).Options()
	return proto.GetExtension(options, errorsv1.E_Rule).(*errorsv1.ReasonRule)
}

func parsePushback(trailer metadata.MD) *time.Duration {
	values := trailer.Get("grpc-retry-pushback-ms")
	if len(values) == 0 {
		return nil
	}
	milliseconds, err := strconv.Atoi(values[0])
	if err != nil {
		milliseconds = -1 // gRPC does not retry either if it cannot read the value
	}
	return new(time.Duration(milliseconds) * time.Millisecond)
}
