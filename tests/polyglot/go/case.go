package main

import (
	"encoding/json"
	"os"
	"time"
)

// object is a JSON object, or a part of one.
type object = map[string]any

// testCase is one call and what must come of it. The README.md beside the cases has the members.
type testCase struct {
	At            string            `json:"at"`
	RPC           string            `json:"rpc"`
	Request       json.RawMessage   `json:"request"`
	DeadlineMS    int               `json:"deadline_ms"`
	Metadata      map[string]string `json:"metadata"`
	CancelAfterMS int               `json:"cancel_after_ms"`
	Validate      bool              `json:"validate"`
	Stream        []step            `json:"stream"`
	Expect        object            `json:"expect"`
}

// step is one of a stream's; either member is there.
type step struct {
	Send    json.RawMessage `json:"send"`
	Receive object          `json:"receive"`
}

func read(path string) (*testCase, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	read := &testCase{DeadlineMS: 10_000}
	return read, json.Unmarshal(text, read)
}

func (c *testCase) deadline() time.Duration { return time.Duration(c.DeadlineMS) * time.Millisecond }

func (c *testCase) cancelAfter() time.Duration {
	return time.Duration(c.CancelAfterMS) * time.Millisecond
}
