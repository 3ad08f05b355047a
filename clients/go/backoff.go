package client

import (
	"math/rand/v2"
	"time"
)

const (
	firstPause = 200 * time.Millisecond
	mostPause  = 20 * time.Second
)

// pauseAfter returns how long to wait after so many failures in a row, from 1: longer each time, and never
// together with others, since the upper half of it is chance.
func pauseAfter(failures int) time.Duration {
	full := firstPause
	for ; failures > 1 && full < mostPause; failures-- {
		full *= 2
	}
	full = min(full, mostPause)
	return full/2 + rand.N(full/2+1)
}
