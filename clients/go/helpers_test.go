package client_test

import (
	"context"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"nationalsite.internal/client"
)

// testTimeout bounds each call and each wait of the tests.
const testTimeout = 10 * time.Second

// serve starts a server on loopback, which stops when the test ends, and returns its address.
func serve(t *testing.T, register func(*grpc.Server)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(8 << 20))
	register(server)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func connect(t *testing.T, target string, service client.Service, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := client.Connect(target, service, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func timeoutContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

// fakeHealth reports SERVING until it drains. It is not gRPC's own health server, because importing that would also
// register the health check client, which package client has to register itself.
type fakeHealth struct {
	healthv1.UnimplementedHealthServer
	draining chan struct{}
}

func newFakeHealth() *fakeHealth { return &fakeHealth{draining: make(chan struct{})} }

func (h *fakeHealth) Watch(_ *healthv1.HealthCheckRequest, stream healthv1.Health_WatchServer) error {
	err := stream.Send(&healthv1.HealthCheckResponse{Status: healthv1.HealthCheckResponse_SERVING})
	select {
	case <-h.draining:
		err = stream.Send(&healthv1.HealthCheckResponse{Status: healthv1.HealthCheckResponse_NOT_SERVING})
		<-stream.Context().Done()
	case <-stream.Context().Done():
	}
	return err
}
