// Runs consumers with handlers that stdin controls. tests/consumers/README.md explains the protocol.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/encoding/protojson"

	"nationalsite.internal/client"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

type command struct {
	Command   string  `json:"command"`
	Consumer  string  `json:"consumer"`
	Target    string  `json:"target"`
	Options   options `json:"options"`
	MessageID string  `json:"message_id"`
}

type options struct {
	Subscription        string          `json:"subscription"`
	CreateIfMissing     json.RawMessage `json:"create_if_missing"`
	MaxOutstanding      int             `json:"max_outstanding"`
	LeaseMs             int64           `json:"lease_ms"`
	HandlerTimeoutMs    int64           `json:"handler_timeout_ms"`
	StopGraceMs         int64           `json:"stop_grace_ms"`
	IgnoresCancellation bool            `json:"ignores_cancellation"`
}

type event struct {
	Event           string `json:"event"`
	Consumer        string `json:"consumer"`
	MessageID       string `json:"message_id,omitempty"`
	DeliveryAttempt int32  `json:"delivery_attempt,omitempty"`
	Error           *ended `json:"error"` // null if there is none
}

// ended is how a consumer has ended, if with an error.
type ended struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
	Text   string `json:"text"`
}

var (
	stdoutMu sync.Mutex
	stdout   = json.NewEncoder(os.Stdout)
)

func emit(event event) {
	stdoutMu.Lock()
	defer stdoutMu.Unlock()
	if err := stdout.Encode(event); err != nil {
		log.Fatal(err)
	}
}

// consumerRun is a consumer whose handlers wait until a command says how they end.
type consumerRun struct {
	name                string
	ignoresCancellation bool
	stop                context.CancelFunc

	mu      sync.Mutex
	results map[string]chan error // by message id
}

func startRun(command command) (*consumerRun, error) {
	conn, err := client.Connect(command.Target, client.OrderSync)
	if err != nil {
		return nil, err
	}
	options := command.Options
	ctx, stop := context.WithCancel(context.Background())
	run := &consumerRun{
		name:                command.Consumer,
		ignoresCancellation: options.IgnoresCancellation,
		stop:                stop,
		results:             map[string]chan error{},
	}
	consumer := client.Consumer{
		Conn:           conn,
		Subscription:   options.Subscription,
		Handle:         run.handle,
		MaxOutstanding: options.MaxOutstanding,
		Lease:          time.Duration(options.LeaseMs) * time.Millisecond,
		HandlerTimeout: time.Duration(options.HandlerTimeoutMs) * time.Millisecond,
		StopGrace:      time.Duration(options.StopGraceMs) * time.Millisecond,
	}
	if len(options.CreateIfMissing) > 0 {
		consumer.CreateIfMissing = &ordersyncv1.SubscriptionSpec{}
		if err := protojson.Unmarshal(options.CreateIfMissing, consumer.CreateIfMissing); err != nil {
			return nil, err
		}
	}
	go func() {
		err := consumer.Run(ctx)
		_ = conn.Close() // fails only if it is closed already
		emit(event{Event: "ended", Consumer: run.name, Error: describe(err)})
	}()
	return run, nil
}

func (r *consumerRun) handle(ctx context.Context, message *ordersyncv1.Message) error {
	result := r.result(message.GetMessageId())
	attempt := client.ReceivedMessageFromContext(ctx).GetDeliveryAttempt()
	emit(event{Event: "started", Consumer: r.name, MessageID: message.GetMessageId(), DeliveryAttempt: attempt})
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	emit(event{Event: "cancelled", Consumer: r.name, MessageID: message.GetMessageId()})
	if r.ignoresCancellation {
		return <-result
	}
	return ctx.Err()
}

// result returns the channel from which the next handler of a message gets its result.
func (r *consumerRun) result(messageID string) chan error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.results[messageID] == nil {
		r.results[messageID] = make(chan error, 1)
	}
	return r.results[messageID]
}

func describe(err error) *ended {
	if err == nil {
		return nil
	}
	details := client.ParseError(err)
	return &ended{Code: code.Code(details.Code).String(), Reason: details.ReasonName, Text: err.Error()}
}

func main() {
	runs := map[string]*consumerRun{}
	stdin := bufio.NewScanner(os.Stdin)
	for stdin.Scan() {
		var command command
		if err := json.Unmarshal(stdin.Bytes(), &command); err != nil {
			log.Fatal(err)
		}
		run := runs[command.Consumer]
		switch command.Command {
		case "run":
			started, err := startRun(command)
			if err != nil {
				log.Fatal(err)
			}
			runs[command.Consumer] = started
		case "stop":
			run.stop()
		case "return":
			run.result(command.MessageID) <- nil
		case "fail":
			run.result(command.MessageID) <- errors.New("simulated")
		}
	}
	if err := stdin.Err(); err != nil {
		log.Fatal(err)
	}
}
