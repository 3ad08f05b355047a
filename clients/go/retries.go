package client

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	errorsv1 "nationalsite.internal/go/errors/v1"
)

const defaultMaxAttempts = 3

// Method is a unary method of a stub, such as products.SearchByKeyword.
type Method[Request, Response any] func(context.Context, Request, ...grpc.CallOption) (Response, error)

// CallWithRetries calls a method of a stub; after an error that permits it, it calls the method again with the same
// request. Options are those of each call, and WithMaxAttempts.
//
// A call is retried if MayRepeat of its error is true. If the error is not from the service, the call may have been
// executed: then it is retried only if the RPC has no side effects, or if the request has a request_id. The pause is
// the delay of RetryInfo, or exponential backoff. If it would exceed the deadline of ctx, CallWithRetries returns the
// last error at once.
func CallWithRetries[Request proto.Message, Response any](
	ctx context.Context, method Method[Request, Response], request Request, options ...grpc.CallOption,
) (Response, error) {
	maxAttempts := maxAttemptsOf(options)
	for attempt := 1; ; attempt++ {
		response, err := method(ctx, request, options...)
		if err == nil || attempt >= maxAttempts {
			return response, err
		}
		details := ParseError(err)
		if !isRetrySafe(details, request) || !pause(ctx, retryDelay(details, attempt)) {
			return response, err
		}
	}
}

// WithMaxAttempts sets how often CallWithRetries calls a method at most. The default is 3.
func WithMaxAttempts(attempts int) grpc.CallOption { return maxAttemptsOption{attempts: attempts} }

type maxAttemptsOption struct {
	grpc.EmptyCallOption
	attempts int
}

func maxAttemptsOf(options []grpc.CallOption) int {
	attempts := defaultMaxAttempts
	for _, option := range options {
		if option, ok := option.(maxAttemptsOption); ok {
			attempts = option.attempts
		}
	}
	return attempts
}

// MayRepeat reports whether the same call is safe to make again, as far as the error says.
//
// It follows the rule of the reason, or RetryInfo if the reason is newer than these stubs. An error without a reason
// is not from the service: then only UNAVAILABLE, unless a pushback forbids it. Such a call may have been executed:
// CallWithRetries repeats it only if that does no harm.
func (d *ErrorDetails) MayRepeat() bool {
	switch {
	case d.Retry != errorsv1.Retry_RETRY_UNSPECIFIED:
		return d.Retry == errorsv1.Retry_RETRY_AFTER_DELAY
	case d.ReasonName != "":
		return d.RetryDelay != nil
	default:
		return d.Code == codes.Unavailable && (d.Pushback == nil || *d.Pushback >= 0)
	}
}

func isRetrySafe(details *ErrorDetails, request proto.Message) bool {
	if !details.MayRepeat() {
		return false
	}
	if details.ReasonName != "" { // the service has answered, and its reason permits a retry
		return true
	}
	return hasRequestID(request) || isRead(request.ProtoReflect().Descriptor())
}

func hasRequestID(request proto.Message) bool {
	message := request.ProtoReflect()
	field := message.Descriptor().Fields().ByName("request_id")
	return field != nil && message.Has(field)
}

// isRead reports whether the RPC with this request has no side effects. Each RPC has a request of its own, in the
// package of its service.
func isRead(request protoreflect.MessageDescriptor) bool {
	found := false
	protoregistry.GlobalFiles.RangeFilesByPackage(request.ParentFile().Package(), func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				options, _ := methods.Get(j).Options().(*descriptorpb.MethodOptions)
				if methods.Get(j).Input().FullName() == request.FullName() {
					found = options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
				}
			}
		}
		return true
	})
	return found
}

func retryDelay(details *ErrorDetails, failures int) time.Duration {
	delay := backoffDelay(failures)
	if details.RetryDelay != nil {
		delay = max(delay, *details.RetryDelay)
	}
	return delay
}

// pause waits, and reports whether ctx has not ended. It does not wait if ctx would end before.
func pause(ctx context.Context, delay time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay {
		return false
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
