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

const within = 10 * time.Second

// shop counts the calls that it gets, and fails the first of them.
type shop struct {
	productv1.UnimplementedProductServiceServer
	health *health
	calls  atomic.Int32
	fails  int32
}

func (s *shop) failing() error {
	if s.calls.Add(1) <= s.fails {
		return status.Error(codes.Unavailable, "made up")
	}
	return nil
}

func (s *shop) GetCategory(context.Context, *productv1.GetCategoryRequest) (*productv1.GetCategoryResponse, error) {
	return &productv1.GetCategoryResponse{}, s.failing()
}

func (s *shop) UploadImage(_ context.Context, request *productv1.UploadImageRequest) (*productv1.UploadImageResponse, error) {
	return &productv1.UploadImageResponse{ImageId: new(string(request.GetImage()[:1]))}, s.failing()
}

func (s *shop) start(t *testing.T) string {
	s.health = newHealth()
	return serve(t, func(server *grpc.Server) {
		productv1.RegisterProductServiceServer(server, s)
		healthv1.RegisterHealthServer(server, s.health)
	})
}

func TestReadsAreRepeatedAndWritesAreNot(t *testing.T) {
	shop := &shop{fails: 2}
	products := productv1.NewProductServiceClient(connect(t, shop.start(t), client.Product))
	if _, err := products.GetCategory(deadline(t), &productv1.GetCategoryRequest{}); err != nil || shop.calls.Load() != 3 {
		t.Fatalf("%v after %d calls", err, shop.calls.Load())
	}
	shop.fails = 4
	_, err := products.UploadImage(deadline(t), &productv1.UploadImageRequest{Image: []byte("x")})
	if status.Code(err) != codes.Unavailable || shop.calls.Load() != 4 {
		t.Fatalf("%v after %d calls", err, shop.calls.Load())
	}
}

func TestALargePictureGoesThrough(t *testing.T) {
	products := productv1.NewProductServiceClient(connect(t, new(shop).start(t), client.Product))
	picture := bytes.Repeat([]byte("x"), 6<<20)
	if _, err := products.UploadImage(deadline(t), &productv1.UploadImageRequest{Image: picture}); err != nil {
		t.Fatal(err)
	}
}

func TestCallsAreSpreadOverTheReplicasThatServe(t *testing.T) {
	shops := []*shop{{}, {}}
	name := manual.NewBuilderWithScheme("replicas")
	var state resolver.State
	for _, each := range shops {
		address := resolver.Endpoint{Addresses: []resolver.Address{{Addr: each.start(t)}}}
		state.Endpoints = append(state.Endpoints, address)
	}
	name.InitialState(state)
	conn := connect(t, name.Scheme()+":///product", client.Product, grpc.WithResolvers(name))
	products := productv1.NewProductServiceClient(conn)
	call := func() {
		t.Helper()
		if _, err := products.GetCategory(deadline(t), &productv1.GetCategoryRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	for limit := time.Now().Add(within); shops[0].calls.Load() == 0 || shops[1].calls.Load() == 0; call() {
		if time.Now().After(limit) {
			t.Fatal("one replica gets all calls")
		}
	}
	close(shops[0].health.draining)
	// The news takes a moment; from then on it gets none.
	for limit, quiet := time.Now().Add(within), 0; quiet < 20; quiet++ {
		before := shops[0].calls.Load()
		call()
		if shops[0].calls.Load() != before {
			quiet = 0
		}
		if time.Now().After(limit) {
			t.Fatal("a draining replica gets calls")
		}
	}
}

func TestOptionsOfTheCallerCount(t *testing.T) {
	tls := grpc.WithTransportCredentials(credentials.NewTLS(nil))
	products := productv1.NewProductServiceClient(connect(t, new(shop).start(t), client.Product, tls))
	if _, err := products.GetCategory(deadline(t), &productv1.GetCategoryRequest{}); status.Code(err) != codes.Unavailable {
		t.Fatalf("TLS with a server that has none: %v", err)
	}
	if _, err := client.Connect("localhost:1", "prodcut"); err == nil {
		t.Fatal("a service that does not exist")
	}
}
