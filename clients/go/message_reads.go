package client

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"nationalsite.internal/go/messagereads"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// MessageRead is a call of OrderSyncService that reads what a message is about.
type MessageRead struct {
	// RPC is the name of the RPC, such as GetPurchaseOrder.
	RPC string
	// Request is its request, such as a *ordersyncv1.GetPurchaseOrderRequest.
	Request proto.Message
}

// ListMessageReads returns the calls that read what a message is about, in the order in which to make them: 1688's
// messages have few details. There are none for a message without a payload, or without the ids that the calls need. A
// topic that is newer than this library has the reads of its payload.
func ListMessageReads(message *ordersyncv1.Message) []MessageRead {
	fields := message.ProtoReflect()
	payload := fields.WhichOneof(fields.Descriptor().Oneofs().ByName("payload"))
	if payload == nil {
		return nil
	}
	var reads []MessageRead
	for _, row := range messageReadRows() {
		hasTopic := len(row.Topics) == 0 || slices.Contains(row.Topics, message.GetTopic())
		if row.Payload == payload.Name() && hasTopic {
			reads = append(reads, row.list(fields.Get(payload).Message())...)
		}
	}
	return reads
}

// messageReadRow has the fields that the request of an RPC needs. docs/messages.md describes the members.
type messageReadRow struct {
	Payload protoreflect.Name `json:"payload"`
	Topics  []string          `json:"topics"`
	RPC     protoreflect.Name `json:"rpc"`
	Fields  []string          `json:"fields"`
}

var messageReadRows = sync.OnceValue(func() []messageReadRow {
	var rows []messageReadRow
	if err := json.Unmarshal([]byte(messagereads.Table), &rows); err != nil {
		panic(err) // it is generated
	}
	return rows
})

// list returns a read for each value of the first path. Values of the other paths are added.
func (r messageReadRow) list(event protoreflect.Message) []MessageRead {
	var reads []MessageRead
	for _, value := range listValues(event, r.Fields[0]) {
		request := newReadRequest(r.RPC)
		setField(request, r.Fields[0], value)
		for _, path := range r.Fields[1:] {
			for _, further := range listValues(event, path) {
				setField(request, path, further)
			}
		}
		reads = append(reads, MessageRead{RPC: string(r.RPC), Request: request.Interface()})
	}
	return reads
}

func newReadRequest(rpc protoreflect.Name) protoreflect.Message {
	file := ordersyncv1.File_nationalsite_ordersync_v1_order_sync_service_proto
	method := file.Services().ByName("OrderSyncService").Methods().ByName(rpc)
	messageType, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
	if err != nil {
		panic(err) // the stubs register the messages of each RPC
	}
	return messageType.New()
}

// setField sets the field of a request that has the name at the end of a path.
func setField(request protoreflect.Message, path string, value protoreflect.Value) {
	name := path[strings.LastIndex(path, ".")+1:]
	request.Set(request.Descriptor().Fields().ByName(protoreflect.Name(name)), value)
}

// listValues returns the values to which a path leads, each once, without those that are not set.
func listValues(message protoreflect.Message, path string) []protoreflect.Value {
	name, rest, isNested := strings.Cut(path, ".")
	field := message.Descriptor().Fields().ByName(protoreflect.Name(name))
	value := message.Get(field)
	values := []protoreflect.Value{value}
	if field.IsList() {
		values = values[:0]
		for index := range value.List().Len() {
			values = append(values, value.List().Get(index))
		}
	}
	var found []protoreflect.Value
	for _, each := range values {
		switch {
		case isNested:
			found = append(found, listValues(each.Message(), rest)...)
		case !each.Equal(field.Default()):
			found = append(found, each)
		}
	}
	return distinct(found)
}

func distinct(values []protoreflect.Value) []protoreflect.Value {
	var found []protoreflect.Value
	for _, value := range values {
		if !slices.ContainsFunc(found, value.Equal) {
			found = append(found, value)
		}
	}
	return found
}
