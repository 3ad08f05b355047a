package client

import (
	"context"
	"errors"
	"io"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// errorWithTrailer is a call's error with its trailer, which gRPC's own error does not carry.
type errorWithTrailer struct {
	error
	trailer metadata.MD
}

func (e *errorWithTrailer) GRPCStatus() *status.Status { return status.Convert(e.error) }

func (e *errorWithTrailer) Unwrap() error { return e.error }

func attachTrailer(err error, trailer metadata.MD) error {
	if err == nil || len(trailer) == 0 {
		return err
	}
	return &errorWithTrailer{error: err, trailer: trailer}
}

func trailerFrom(err error) metadata.MD {
	if withTrailer, ok := errors.AsType[*errorWithTrailer](err); ok {
		return withTrailer.trailer
	}
	return nil
}

func unaryTrailerInterceptor(
	ctx context.Context, method string, request, response any, conn *grpc.ClientConn, invoker grpc.UnaryInvoker,
	options ...grpc.CallOption,
) error {
	var trailer metadata.MD
	options = append(slices.Clip(options), grpc.Trailer(&trailer))
	return attachTrailer(invoker(ctx, method, request, response, conn, options...), trailer)
}

func streamTrailerInterceptor(
	ctx context.Context, description *grpc.StreamDesc, conn *grpc.ClientConn, method string, streamer grpc.Streamer,
	options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := streamer(ctx, description, conn, method, options...)
	if err != nil {
		return nil, err
	}
	return trailerStream{stream}, nil
}

type trailerStream struct{ grpc.ClientStream }

func (s trailerStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return attachTrailer(err, s.Trailer())
}
