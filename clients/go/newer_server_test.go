package client_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
)

// appendField appends a length-delimited field.
func appendField(message []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(message, number, protowire.BytesType), value)
}

func TestUnknownFieldsOfANewerServerAreKept(t *testing.T) {
	delivery := appendField(nil, 1, []byte("d-1"))                                                // delivery_id
	delivery = protowire.AppendVarint(protowire.AppendTag(delivery, 2, protowire.VarintType), 99) // state
	delivery = appendField(delivery, 900, []byte("a new member of the oneof sync"))
	sent := appendField(appendField(nil, 1, delivery), 901, []byte("a new field"))

	var response ordersyncv1.GetDeliveryResponse
	if err := proto.Unmarshal(sent, &response); err != nil {
		t.Fatal(err)
	}
	received := response.GetDelivery()
	if received.GetDeliveryId() != "d-1" || received.GetState() != 99 || received.GetState().String() != "99" {
		t.Errorf("%v", received)
	}
	if received.GetSync() != nil {
		t.Errorf("got %v for an unknown member of a oneof", received.GetSync())
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(&response)
	if err != nil || !bytes.Equal(encoded, sent) {
		t.Errorf("got %x (%v), want %x", encoded, err, sent)
	}

	var streamed ordersyncv1.StreamMessagesResponse
	if err := proto.Unmarshal(appendField(nil, 902, []byte("a new member of the oneof response")), &streamed); err != nil || streamed.GetResponse() != nil {
		t.Errorf("%v: %v", err, &streamed)
	}
}
