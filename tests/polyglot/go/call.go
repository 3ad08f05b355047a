package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"nationalsite.internal/client"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// call is the call of a case, to any RPC.
type call struct {
	*testCase
	saved  saved
	method protoreflect.MethodDescriptor
}

func newCall(testCase *testCase, saved saved) (*call, error) {
	name := protoreflect.FullName(strings.ReplaceAll(testCase.RPC, "/", "."))
	descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return nil, err
	}
	method, ok := descriptor.(protoreflect.MethodDescriptor)
	if !ok {
		return nil, fmt.Errorf("not an RPC: %s", name)
	}
	return &call{testCase, saved, method}, nil
}

// run makes the call and returns its result, with the names of the members of `expect`.
func (c *call) run(channels channels) (object, error) {
	if c.Validate {
		return c.validate()
	}
	conn, err := channels.get(c.Target, c.method.Parent().FullName())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout())
	defer cancel()
	ctx = metadata.NewOutgoingContext(ctx, metadata.New(c.Metadata))
	if c.method.IsStreamingClient() {
		return c.stream(ctx, conn)
	}
	if delay := c.cancelAfter(); delay > 0 {
		defer time.AfterFunc(delay, cancel).Stop()
	}
	return c.unary(ctx, conn)
}

func (c *call) unary(ctx context.Context, conn *grpc.ClientConn) (object, error) {
	request, err := c.buildRequest(c.Request)
	if err != nil {
		return nil, err
	}
	response := newMessage(c.method.Output())
	var trailer metadata.MD
	if err := conn.Invoke(ctx, "/"+c.RPC, request, response, grpc.Trailer(&trailer)); err != nil {
		return describeError(err), nil
	}
	fields, err := toJSON(response)
	if err != nil {
		return nil, err
	}
	result := object{"status": "OK", "response": fields, "trailing_metadata": trailer}
	if pulled, ok := response.(*ordersyncv1.PullMessagesResponse); ok {
		result["reads"], err = listReads(pulled)
	}
	return result, err
}

// listReads returns the reads that follow each message.
func listReads(pulled *ordersyncv1.PullMessagesResponse) ([]any, error) {
	reads := []any{}
	for _, received := range pulled.GetReceivedMessages() {
		ofMessage := []any{}
		for _, read := range client.ListMessageReads(received.GetMessage()) {
			request, err := toJSON(read.Request)
			if err != nil {
				return nil, err
			}
			ofMessage = append(ofMessage, object{"rpc": read.RPC, "request": request})
		}
		reads = append(reads, ofMessage)
	}
	return reads, nil
}

func (c *call) stream(ctx context.Context, conn *grpc.ClientConn) (object, error) {
	description := &grpc.StreamDesc{StreamName: string(c.method.Name()), ClientStreams: true, ServerStreams: true}
	stream, err := conn.NewStream(ctx, description, "/"+c.RPC)
	if err != nil {
		return describeError(err), nil
	}
	for _, text := range c.Stream {
		var step streamStep
		if err := json.Unmarshal(c.saved.fill(text), &step); err != nil {
			return nil, err
		}
		if step.Send != nil {
			request, err := c.buildRequest(step.Send)
			if err != nil {
				return nil, err
			}
			// If the stream has ended already, receive returns the error.
			if err := stream.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
				return describeError(err), nil
			}
			continue
		}
		response, result, err := c.receive(stream)
		if result != nil || err != nil {
			return result, err
		}
		if differences := compare(step.Receive, response, "receive"); len(differences) > 0 {
			return object{"status": strings.Join(differences, "; ")}, nil
		}
		if err := c.saved.add(step.Save, response); err != nil {
			return nil, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return describeError(err), nil
	}
	unexpected, result, err := c.receive(stream)
	if result != nil || err != nil {
		return result, err
	}
	return object{"status": fmt.Sprintf("OK, after %v", unexpected)}, nil
}

// receive returns the next response, or the result of the call if the stream has ended.
func (c *call) receive(stream grpc.ClientStream) (fields, result object, err error) {
	response := newMessage(c.method.Output())
	switch err := stream.RecvMsg(response); {
	case errors.Is(err, io.EOF):
		return nil, object{"status": "OK"}, nil
	case err != nil:
		return nil, describeError(err), nil
	}
	fields, err = toJSON(response)
	return fields, nil, err
}

func (c *call) validate() (object, error) {
	request, err := c.buildRequest(c.Request)
	if err != nil {
		return nil, err
	}
	violations := []any{}
	err = protovalidate.Validate(request)
	if validationError, ok := errors.AsType[*protovalidate.ValidationError](err); ok {
		for _, violation := range validationError.Violations {
			field := protovalidate.FieldPathString(violation.Proto.GetField())
			violations = append(violations, object{"field": field, "rule": violation.Proto.GetRuleId()})
		}
		err = nil
	}
	return object{"violations": violations}, err
}

func (c *call) buildRequest(fields json.RawMessage) (proto.Message, error) {
	request := newMessage(c.method.Input())
	return request, protojson.Unmarshal(fields, request)
}

func describeError(err error) object {
	errorDetails := client.ParseError(err)
	details, errorMetadata, invalidFields, violatedRules := []any{}, object{}, []any{}, []any{}
	for _, detail := range errorDetails.Details {
		details = append(details, string(proto.MessageName(detail)))
	}
	for name, value := range errorDetails.Metadata {
		errorMetadata[name] = value
	}
	for _, violation := range errorDetails.FieldViolations {
		invalidFields = append(invalidFields, violation.GetField())
		violatedRules = append(violatedRules, violation.GetReason())
	}
	return object{
		"status":         code.Code(errorDetails.Code).String(),
		"message":        errorDetails.Message,
		"details":        details,
		"reason":         errorDetails.ReasonName,
		"error_metadata": errorMetadata,
		"retry":          errorDetails.Retry.String(),
		"invalid_fields": invalidFields,
		"violated_rules": violatedRules,
		"retry_delay_ms": toMilliseconds(errorDetails.RetryDelay),
		"pushback_ms":    toMilliseconds(errorDetails.Pushback),
	}
}

// toMilliseconds returns a number of the type that encoding/json decodes to.
func toMilliseconds(delay *time.Duration) any {
	if delay == nil {
		return nil
	}
	return float64(*delay / time.Millisecond)
}

func newMessage(descriptor protoreflect.MessageDescriptor) proto.Message {
	messageType, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.FullName())
	if err != nil {
		panic(err) // the stubs register the messages of each RPC
	}
	return messageType.New().Interface()
}

func toJSON(message proto.Message) (object, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	if err != nil {
		return nil, err
	}
	var fields object
	return fields, json.Unmarshal(text, &fields)
}
