package client_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// field appends a length-delimited field.
func field(message []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(message, number, protowire.BytesType), value)
}

func TestANewerServerDoesNotBreakTheseStubs(t *testing.T) {
	delivery := field(nil, 1, []byte("d-1"))                                                      // delivery_id
	delivery = protowire.AppendVarint(protowire.AppendTag(delivery, 2, protowire.VarintType), 99) // state
	delivery = field(delivery, 900, []byte("a new arm of sync, and what it holds"))
	sent := field(field(nil, 1, delivery), 901, []byte("a new field"))

	var response ordersyncv1.GetDeliveryResponse
	if err := proto.Unmarshal(sent, &response); err != nil {
		t.Fatal(err)
	}
	read := response.GetDelivery()
	if read.GetDeliveryId() != "d-1" || read.GetState() != 99 || read.GetState().String() != "99" {
		t.Errorf("%v", read)
	}
	if read.GetSync() != nil {
		t.Errorf("an arm that these stubs do not know is %v", read.GetSync())
	}
	kept, err := proto.MarshalOptions{Deterministic: true}.Marshal(&response)
	if err != nil || !bytes.Equal(kept, sent) {
		t.Errorf("%x (%v), not %x", kept, err, sent)
	}

	var event ordersyncv1.StreamMessagesResponse
	if err := proto.Unmarshal(field(nil, 902, []byte("a new event")), &event); err != nil || event.GetMessage() != nil {
		t.Errorf("%v: %v", err, &event)
	}
}
