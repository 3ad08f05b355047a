package client_test

import (
	"context"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"nationalsite.internal/client"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
	productv1 "nationalsite.internal/go/product/v1"
)

func TestPagesFollowTheirTokens(t *testing.T) {
	server := &scriptedServer{tokens: []string{"2", "3"}}
	orders := server.start(t)
	request := &ordersyncv1.ListDeliveriesRequest{PageSize: 7}
	pages := client.Pages(timeoutContext(t), orders.ListDeliveries, request)
	want := []string{"", "2", "3"}
	for range 2 { // a sequence can be read again
		for _, err := range pages {
			if err != nil {
				t.Fatal(err)
			}
		}
		server.tokens = []string{"2", "3"}
	}
	var got []string
	for _, call := range server.calls {
		list := call.request.(*ordersyncv1.ListDeliveriesRequest)
		if list.GetPageSize() != 7 {
			t.Error(list)
		}
		got = append(got, list.GetPageToken())
	}
	if !slices.Equal(got, slices.Concat(want, want)) || request.GetPageToken() != "" {
		t.Error(got, request)
	}
}

func TestErrorEndsThePages(t *testing.T) {
	server := &scriptedServer{tokens: []string{"2"}, errors: []*callError{nil, {Code: "INTERNAL"}}}
	orders := server.start(t)
	var results []codes.Code
	for page, err := range client.Pages(timeoutContext(t), orders.ListDeliveries, &ordersyncv1.ListDeliveriesRequest{}) {
		if (page == nil) != (err != nil) {
			t.Error(page, err)
		}
		results = append(results, status.Code(err))
	}
	if !slices.Equal(results, []codes.Code{codes.OK, codes.Internal}) {
		t.Error(results)
	}
}

// imageServer returns pages, and remembers the requests.
type imageServer struct {
	productv1.UnimplementedProductServiceServer
	requests []*productv1.SearchByImageRequest
}

func (s *imageServer) SearchByImage(_ context.Context, request *productv1.SearchByImageRequest) (*productv1.SearchByImageResponse, error) {
	s.requests = append(s.requests, request)
	return &productv1.SearchByImageResponse{NextPageToken: "next"}, nil
}

func TestImageIsSentOnce(t *testing.T) {
	server := &imageServer{}
	address := serve(t, func(grpcServer *grpc.Server) { productv1.RegisterProductServiceServer(grpcServer, server) })
	products := productv1.NewProductServiceClient(connect(t, address, client.Product))
	request := &productv1.SearchByImageRequest{
		ImageSource: &productv1.SearchByImageRequest_Image{Image: []byte("image")}, PageSize: 5, Page: 2,
	}
	unchanged := proto.CloneOf(request)
	for _, err := range client.Pages(timeoutContext(t), products.SearchByImage, request) {
		if err != nil {
			t.Fatal(err)
		}
		if len(server.requests) == 2 {
			break
		}
	}
	next := &productv1.SearchByImageRequest{PageSize: 5, PageToken: "next"}
	if !proto.Equal(server.requests[0], unchanged) || !proto.Equal(server.requests[1], next) || !proto.Equal(request, unchanged) {
		t.Error(server.requests, request)
	}
}
