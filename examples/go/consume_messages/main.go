// Prints messages about orders until SIGTERM.
//
// [snippet consume]
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"nationalsite.internal/client"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// handle handles a message, which may be delivered twice. The message is acknowledged when handle returns nil.
func handle(_ context.Context, message *ordersyncv1.Message) error {
	if order := message.GetOrder(); order != nil { // otherwise it is about something else, such as a refund
		fmt.Println(message.GetTopic(), order.GetCbuOrderId(), order.GetCurrentStatus())
	}
	return nil
}

func main() {
	address := cmp.Or(os.Getenv("NATIONALSITE_ORDER_SYNC"), "127.0.0.1:50052")
	conn, err := client.Connect(address, client.OrderSync)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	consumer := client.Consumer{
		Conn:            conn,
		Subscription:    "shop",
		Handle:          handle,
		CreateIfMissing: &ordersyncv1.SubscriptionSpec{}, // all topics, messages from now on
	}
	if err := consumer.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

// [/snippet]
