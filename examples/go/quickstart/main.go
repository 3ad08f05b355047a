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
	conn, err := client.Connect(cmp.Or(os.Getenv("NATIONALSITE_PRODUCT"), "127.0.0.1:50051"), client.Product)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request := &productv1.SearchByKeywordRequest{Keyword: "dress", PageSize: 3, Country: "japan"}
	response, err := productv1.NewProductServiceClient(conn).SearchByKeyword(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	for _, offer := range response.GetOffers() {
		fmt.Println(offer.GetOfferId(), offer.GetSubjectTrans())
	}
}
