// Makes calls that fail, and handles the errors by their reason.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"nationalsite.internal/client"
	errorsv1 "nationalsite.internal/go/errors/v1"
	productv1 "nationalsite.internal/go/product/v1"
)

func main() {
	conn, err := client.Connect(cmp.Or(os.Getenv("NATIONALSITE_PRODUCT"), "127.0.0.1:50051"), client.Product)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	products := productv1.NewProductServiceClient(conn)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	// [snippet handle]
	_, err = products.GetProductDetail(ctx, &productv1.GetProductDetailRequest{OfferId: 1})
	if details := client.ParseError(err); details != nil {
		if details.Reason != errorsv1.ErrorReason_ERROR_REASON_OFFER_NOT_FOUND {
			log.Fatal(err)
		}
		fmt.Println(details.Code, details.ReasonName) // NotFound ERROR_REASON_OFFER_NOT_FOUND
	}

	_, err = products.SearchByKeyword(ctx, &productv1.SearchByKeywordRequest{Keyword: "dress", PageSize: -1})
	if details := client.ParseError(err); details != nil {
		for _, violation := range details.FieldViolations {
			fmt.Printf("%s: %s\n", violation.GetField(), violation.GetDescription())
		}
	}
	// [/snippet]
}
