// Searches for offers that look like an image: the file in the argument, or examples/image.jpg.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"nationalsite.internal/client"
	productv1 "nationalsite.internal/go/product/v1"
)

func main() {
	path := "examples/image.jpg"
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	if err := search(path); err != nil {
		log.Fatal(err)
	}
}

func search(path string) error {
	image, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	conn, err := client.Connect(cmp.Or(os.Getenv("NATIONALSITE_PRODUCT"), "127.0.0.1:50051"), client.Product)
	if err != nil {
		return err
	}
	defer conn.Close()
	products := productv1.NewProductServiceClient(conn)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	response, err := products.SearchByImage(ctx, &productv1.SearchByImageRequest{
		ImageSource: &productv1.SearchByImageRequest_Image{Image: image},
		PageSize:    3, Country: "japan",
	})
	if err != nil {
		return err
	}
	for _, offer := range response.GetOffers() {
		prices := offer.GetPriceInfo()
		price := prices.GetPriceRange().GetText() // of a price that is not one number, such as 125-128
		if price == "" && prices.GetPrice() != nil {
			price = client.FormatMoney(prices.GetPrice())
		}
		fmt.Println(offer.GetOfferId(), prices.GetPrice().GetCurrencyCode(), price, offer.GetSubjectTrans())
	}

	// The page token also stands for the uploaded image.
	nextPage, err := products.SearchByImage(ctx, &productv1.SearchByImageRequest{
		PageToken: response.GetNextPageToken(), PageSize: 3, Country: "japan",
	})
	if err != nil {
		return err
	}
	fmt.Println(len(nextPage.GetOffers()), "more")
	return nil
}
