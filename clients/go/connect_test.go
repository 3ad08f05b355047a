package client_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"nationalsite.internal/client"
	productv1 "nationalsite.internal/go/product/v1"
)

// productServer counts its calls and fails the first failures of them.
type productServer struct {
	productv1.UnimplementedProductServiceServer
	health   *fakeHealth
	calls    atomic.Int32
	failures int32
}

func (s *productServer) nextError() error {
	if s.calls.Add(1) <= s.failures {
		return status.Error(codes.Unavailable, "simulated")
	}
	return nil
}

func (s *productServer) GetCategory(context.Context, *productv1.GetCategoryRequest) (*productv1.GetCategoryResponse, error) {
	return &productv1.GetCategoryResponse{}, s.nextError()
}

func (s *productServer) UploadImage(_ context.Context, request *productv1.UploadImageRequest) (*productv1.UploadImageResponse, error) {
	return &productv1.UploadImageResponse{ImageId: new(string(request.GetImage()[:1]))}, s.nextError()
}

func (s *productServer) start(t *testing.T) string {
	s.health = newFakeHealth()
	return serve(t, func(server *grpc.Server) {
		productv1.RegisterProductServiceServer(server, s)
		healthv1.RegisterHealthServer(server, s.health)
	})
}

func TestReadsAreRetriedAndWritesAreNot(t *testing.T) {
	server := &productServer{failures: 2}
	products := productv1.NewProductServiceClient(connect(t, server.start(t), client.Product))
	if _, err := products.GetCategory(timeoutContext(t), &productv1.GetCategoryRequest{}); err != nil || server.calls.Load() != 3 {
		t.Fatalf("%v after %d calls", err, server.calls.Load())
	}
	server.failures = 4
	_, err := products.UploadImage(timeoutContext(t), &productv1.UploadImageRequest{Image: []byte("x")})
	if status.Code(err) != codes.Unavailable || server.calls.Load() != 4 {
		t.Fatalf("%v after %d calls", err, server.calls.Load())
	}
}

func TestLargeImageIsUploaded(t *testing.T) {
	products := productv1.NewProductServiceClient(connect(t, new(productServer).start(t), client.Product))
	image := bytes.Repeat([]byte("x"), 6<<20)
	if _, err := products.UploadImage(timeoutContext(t), &productv1.UploadImageRequest{Image: image}); err != nil {
		t.Fatal(err)
	}
}

func TestCallsAreBalancedOverServingReplicas(t *testing.T) {
	replicas := []*productServer{{}, {}}
	nameResolver := manual.NewBuilderWithScheme("replicas")
	var state resolver.State
	for _, replica := range replicas {
		endpoint := resolver.Endpoint{Addresses: []resolver.Address{{Addr: replica.start(t)}}}
		state.Endpoints = append(state.Endpoints, endpoint)
	}
	nameResolver.InitialState(state)
	conn := connect(t, nameResolver.Scheme()+":///product", client.Product, grpc.WithResolvers(nameResolver))
	products := productv1.NewProductServiceClient(conn)
	call := func() {
		t.Helper()
		if _, err := products.GetCategory(timeoutContext(t), &productv1.GetCategoryRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(testTimeout)
	for replicas[0].calls.Load() == 0 || replicas[1].calls.Load() == 0 {
		if time.Now().After(deadline) {
			t.Fatal("one replica gets all calls")
		}
		call()
	}
	close(replicas[0].health.draining)
	// The channel learns of the drain after a moment. From then on the draining replica gets no calls.
	deadline = time.Now().Add(testTimeout)
	for callsElsewhere := 0; callsElsewhere < 20; callsElsewhere++ {
		before := replicas[0].calls.Load()
		call()
		if replicas[0].calls.Load() != before {
			callsElsewhere = 0
		}
		if time.Now().After(deadline) {
			t.Fatal("a draining replica gets calls")
		}
	}
}

func TestCallerOptionsOverrideDefaults(t *testing.T) {
	tls := grpc.WithTransportCredentials(credentials.NewTLS(nil))
	products := productv1.NewProductServiceClient(connect(t, new(productServer).start(t), client.Product, tls))
	if _, err := products.GetCategory(timeoutContext(t), &productv1.GetCategoryRequest{}); status.Code(err) != codes.Unavailable {
		t.Fatalf("TLS with a plaintext server: %v", err)
	}
	if _, err := client.Connect("localhost:1", "prodcut"); err == nil {
		t.Fatal("no error for an unknown service")
	}
}
