package client

import (
	"crypto/rand"
	"fmt"
)

// NewRequestID returns a random UUID for the request_id of a write. Store it with the data: a retry with the same
// id gets the response of the first call.
func NewRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:])   // never returns an error
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // of RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
