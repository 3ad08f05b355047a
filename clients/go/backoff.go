package client

import (
	"math/rand/v2"
	"time"
)

const (
	initialBackoff = 200 * time.Millisecond
	maxBackoff     = 20 * time.Second
)

// backoffDelay returns the pause after a number of failures in a row, 1 or more. It doubles with each failure.
// Half of it is random, so that clients that failed together do not retry together.
func backoffDelay(failures int) time.Duration {
	delay := initialBackoff
	for ; failures > 1 && delay < maxBackoff; failures-- {
		delay *= 2
	}
	delay = min(delay, maxBackoff)
	return delay/2 + rand.N(delay/2+1)
}
