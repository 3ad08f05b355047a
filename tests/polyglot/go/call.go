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
)

// call makes a case's call, whatever its RPC is.
type call struct {
	*testCase
	types protoreflect.MethodDescriptor
}

func newCall(from *testCase) (*call, error) {
	name := protoreflect.FullName(strings.ReplaceAll(from.RPC, "/", "."))
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return nil, err
	}
	types, ok := found.(protoreflect.MethodDescriptor)
	if !ok {
		return nil, fmt.Errorf("no RPC: %s", name)
	}
	return &call{from, types}, nil
}

// made returns what came of it, with the names that `expect` has for it.
func (c *call) made(channels channels) (object, error) {
	if c.Validate {
		return c.violations()
	}
	conn, err := channels.to(c.At, c.types.Parent().FullName())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.deadline())
	defer cancel()
	ctx = metadata.NewOutgoingContext(ctx, metadata.New(c.Metadata))
	if c.types.IsStreamingClient() {
		return c.stream(ctx, conn)
	}
	if after := c.cancelAfter(); after > 0 {
		defer time.AfterFunc(after, cancel).Stop()
	}
	return c.unary(ctx, conn)
}

func (c *call) unary(ctx context.Context, conn *grpc.ClientConn) (object, error) {
	request, err := c.request(c.Request)
	if err != nil {
		return nil, err
	}
	response := message(c.types.Output())
	var header metadata.MD
	if err := conn.Invoke(ctx, "/"+c.RPC, request, response, grpc.Header(&header)); err != nil {
		return failed(err), nil
	}
	read, err := asJSON(response)
	return object{"status": "OK", "response": read, "metadata": header}, err
}

func (c *call) stream(ctx context.Context, conn *grpc.ClientConn) (object, error) {
	both := &grpc.StreamDesc{StreamName: string(c.types.Name()), ClientStreams: true, ServerStreams: true}
	stream, err := conn.NewStream(ctx, both, "/"+c.RPC)
	if err != nil {
		return failed(err), nil
	}
	for _, step := range c.Stream {
		if step.Send != nil {
			request, err := c.request(step.Send)
			if err != nil {
				return nil, err
			}
			// Where it has ended already, receiving tells why.
			if err := stream.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
				return failed(err), nil
			}
			continue
		}
		read, ended, err := c.receive(stream)
		if ended != nil || err != nil {
			return ended, err
		}
		if unlike := differences(step.Receive, read, "receive"); len(unlike) > 0 {
			return object{"status": strings.Join(unlike, "; ")}, nil
		}
	}
	if err := stream.CloseSend(); err != nil {
		return failed(err), nil
	}
	more, ended, err := c.receive(stream)
	if ended != nil || err != nil {
		return ended, err
	}
	return object{"status": fmt.Sprintf("OK, after %v", more)}, nil
}

// receive returns what came: a response, or else how the stream ended.
func (c *call) receive(stream grpc.ClientStream) (read, ended object, err error) {
	response := message(c.types.Output())
	switch err := stream.RecvMsg(response); {
	case errors.Is(err, io.EOF):
		return nil, object{"status": "OK"}, nil
	case err != nil:
		return nil, failed(err), nil
	}
	read, err = asJSON(response)
	return read, nil, err
}

func (c *call) violations() (object, error) {
	request, err := c.request(c.Request)
	if err != nil {
		return nil, err
	}
	found := []any{}
	err = protovalidate.Validate(request)
	if broken, ok := errors.AsType[*protovalidate.ValidationError](err); ok {
		for _, each := range broken.Violations {
			field := protovalidate.FieldPathString(each.Proto.GetField())
			found = append(found, object{"field": field, "rule": each.Proto.GetRuleId()})
		}
		err = nil
	}
	return object{"violations": found}, err
}

func (c *call) request(fields json.RawMessage) (proto.Message, error) {
	request := message(c.types.Input())
	return request, protojson.Unmarshal(fields, request)
}

func failed(err error) object {
	told := client.FailureOf(err)
	found := object{
		"status":         code.Code(told.Status).String(),
		"message":        told.Message,
		"details":        []any{},
		"reason":         told.ReasonName,
		"error_info":     object{},
		"bad_fields":     []any{},
		"retry_delay_ms": milliseconds(told.RetryDelay),
		"pushback_ms":    milliseconds(told.Pushback),
	}
	for _, detail := range told.Details {
		found["details"] = append(found["details"].([]any), string(proto.MessageName(detail)))
	}
	for name, value := range told.Info {
		found["error_info"].(object)[name] = value
	}
	for _, violation := range told.Violations {
		found["bad_fields"] = append(found["bad_fields"].([]any), violation.GetField())
	}
	return found
}

// milliseconds returns a number as JSON has it.
func milliseconds(delay *time.Duration) any {
	if delay == nil {
		return nil
	}
	return float64(*delay / time.Millisecond)
}

func message(descriptor protoreflect.MessageDescriptor) proto.Message {
	known, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.FullName())
	if err != nil {
		panic(err) // the stubs have registered it with its RPC
	}
	return known.New().Interface()
}

func asJSON(message proto.Message) (object, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	if err != nil {
		return nil, err
	}
	var read object
	return read, json.Unmarshal(text, &read)
}
