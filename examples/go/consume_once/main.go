// Stores events of orders in a database, each message once, until SIGTERM. The argument is the database's file; without
// it, the database is in memory.
package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	_ "github.com/ncruces/go-sqlite3/driver"

	"nationalsite.internal/client"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

func main() {
	database, err := sql.Open("sqlite3", append(os.Args[1:], ":memory:")[0])
	if err != nil {
		log.Fatal(err)
	}
	defer database.Close()
	database.SetMaxOpenConns(1) // SQLite has one writer, and a database in memory belongs to one connection
	if _, err := database.Exec(tables); err != nil {
		log.Fatal(err)
	}
	conn, err := client.Connect(cmp.Or(os.Getenv("NATIONALSITE_ORDER_SYNC"), "127.0.0.1:50052"), client.OrderSync)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	consumer := client.Consumer{
		Conn:         conn,
		Subscription: "shop-once-go",
		Handle: func(ctx context.Context, message *ordersyncv1.Message) error {
			return handle(ctx, database, message)
		},
		CreateIfMissing: &ordersyncv1.SubscriptionSpec{},
	}
	if err := consumer.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

// [snippet once]
const tables = `
	CREATE TABLE IF NOT EXISTS handled_messages (message_id TEXT PRIMARY KEY);
	CREATE TABLE IF NOT EXISTS order_events (cbu_order_id INTEGER, topic TEXT);`

// handle stores what a message says, and that it was handled, in one transaction. An error undoes both.
func handle(ctx context.Context, database *sql.DB, message *ordersyncv1.Message) error {
	if message.GetOrder() == nil {
		return nil // it is about something else, such as a refund
	}
	transaction, err := database.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer transaction.Rollback() // has no effect after Commit
	remember := "INSERT INTO handled_messages VALUES (?) ON CONFLICT DO NOTHING"
	result, err := transaction.ExecContext(ctx, remember, message.GetMessageId())
	if err != nil {
		return err
	}
	if inserted, err := result.RowsAffected(); err != nil {
		return err
	} else if inserted == 0 {
		fmt.Println("handled before:", message.GetMessageId()) // the acknowledgement was lost
		return nil
	}
	orderID, topic := message.GetOrder().GetCbuOrderId(), message.GetTopic()
	if _, err := transaction.ExecContext(ctx, "INSERT INTO order_events VALUES (?, ?)", orderID, topic); err != nil {
		return err
	}
	if err := transaction.Commit(); err != nil {
		return err
	}
	fmt.Println(topic, orderID)
	return nil
}

// [/snippet]
