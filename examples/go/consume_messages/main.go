// Prints what happens to orders, until it is asked to end.
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

// handle does what is to be done: a message may come twice. When it returns nil the message is acknowledged.
func handle(_ context.Context, message *ordersyncv1.Message) error {
	order := message.GetOrder()
	fmt.Println(message.GetTopic(), order.GetCbuOrderId(), order.GetCurrentStatus())
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
	consumer := client.Consumer{Conn: conn, Subscription: "shop", Handle: handle}
	if err := consumer.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

// [/snippet]
