package client

import (
	"iter"

	"google.golang.org/grpc/codes"

	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// PairResults returns each relation of a request with its error, nil if 1688 accepted the relation. A relation
// without a result in the response has an error with the code INTERNAL.
func PairResults(
	request *ordersyncv1.WriteOrderRelationsRequest, response *ordersyncv1.WriteOrderRelationsResponse,
) iter.Seq2[*ordersyncv1.OrderRelation, *ErrorDetails] {
	return func(yield func(*ordersyncv1.OrderRelation, *ErrorDetails) bool) {
		results := response.GetResults()
		for i, relation := range request.GetRelations() {
			details := &ErrorDetails{Code: codes.Internal, Message: "the response has no result of this relation"}
			if i < len(results) {
				details = ParseStatus(results[i].GetStatus())
			}
			if !yield(relation, details) {
				return
			}
		}
	}
}
