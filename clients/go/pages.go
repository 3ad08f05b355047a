package client

import (
	"context"
	"iter"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A Page is the response of a list or a search.
type Page interface {
	// GetNextPageToken returns the token of the next page, empty on the last one.
	GetNextPageToken() string
}

// Pages returns the pages of a list or a search, from the one that the request is for. Each page is read when it is
// needed. An error ends the sequence. The request stays as it is. The image of a search is sent once: the page token
// stands for it.
func Pages[Request proto.Message, Response Page](
	ctx context.Context, method Method[Request, Response], request Request, options ...grpc.CallOption,
) iter.Seq2[Response, error] {
	return func(yield func(Response, error) bool) {
		for current := request; ; {
			page, err := method(ctx, current, options...)
			if !yield(page, err) || err != nil || page.GetNextPageToken() == "" {
				return
			}
			current = nextRequest(current, page.GetNextPageToken())
		}
	}
}

// nextRequest returns the request for the next page. The token replaces the number of the page and the image.
func nextRequest[Request proto.Message](request Request, pageToken string) Request {
	next := proto.CloneOf(request)
	message := next.ProtoReflect()
	fields := message.Descriptor().Fields()
	for _, name := range []protoreflect.Name{"image", "page"} {
		if field := fields.ByName(name); field != nil {
			message.Clear(field)
		}
	}
	message.Set(fields.ByName("page_token"), protoreflect.ValueOfString(pageToken))
	return next
}
