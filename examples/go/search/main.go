// Searches for offers, and handles an error by its reason.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"strings"
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
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, keyword := range []string{"dress", strings.Repeat("dress", 101)} {
		if err := search(ctx, products, keyword); err != nil {
			log.Fatal(err)
		}
	}
}

// [snippet search]
// search prints offers, or the request fields that are invalid.
func search(ctx context.Context, products productv1.ProductServiceClient, keyword string) error {
	request := &productv1.SearchByKeywordRequest{Keyword: keyword, PageSize: 3, Country: "japan"}
	response, err := products.SearchByKeyword(ctx, request)
	if details := client.ParseError(err); details != nil {
		if details.Reason != errorsv1.ErrorReason_ERROR_REASON_INVALID_REQUEST {
			return err
		}
		for _, violation := range details.FieldViolations {
			fmt.Printf("%s: %s\n", violation.GetField(), violation.GetDescription())
		}
		return nil
	}
	for _, offer := range response.GetOffers() {
		prices := offer.GetPriceInfo()
		price := prices.GetPriceRange().GetText() // of a price that is not one number, such as 125-128
		if price == "" && prices.GetPrice() != nil {
			price = client.FormatMoney(prices.GetPrice())
		}
		fmt.Println(offer.GetOfferId(), prices.GetPrice().GetCurrencyCode(), price, offer.GetSubjectTrans())
	}
	return nil
}

// [/snippet]
