package client

import (
	"crypto/rand"
	"fmt"
)

// NewRequestID returns a random UUID, for the request_id of a write. Keep it with what is written: a repeat
// with the same one gets the first call's answer.
func NewRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:])   // never fails: it ends the program where there is no randomness
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // of RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
