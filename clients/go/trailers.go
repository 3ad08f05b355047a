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

// trailedError is a failed call's error together with its trailer, which gRPC's own leaves out.
type trailedError struct {
	error
	trailer metadata.MD
}

func (e *trailedError) GRPCStatus() *status.Status { return status.Convert(e.error) }

func (e *trailedError) Unwrap() error { return e.error }

func withTrailer(err error, trailer metadata.MD) error {
	if err == nil || len(trailer) == 0 {
		return err
	}
	return &trailedError{error: err, trailer: trailer}
}

func trailerOf(err error) metadata.MD {
	if trailed, ok := errors.AsType[*trailedError](err); ok {
		return trailed.trailer
	}
	return nil
}

func unaryTrailers(
	ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker,
	options ...grpc.CallOption,
) error {
	var trailer metadata.MD
	options = append(slices.Clip(options), grpc.Trailer(&trailer))
	return withTrailer(invoke(ctx, method, request, reply, conn, options...), trailer)
}

func streamTrailers(
	ctx context.Context, description *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer,
	options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := open(ctx, description, conn, method, options...)
	if err != nil {
		return nil, err
	}
	return trailedStream{stream}, nil
}

type trailedStream struct{ grpc.ClientStream }

func (s trailedStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return withTrailer(err, s.Trailer())
}
