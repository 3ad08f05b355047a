package main

import (
	"encoding/json"
	"os"
	"time"
)

// object is a JSON object.
type object = map[string]any

// testCase is a call and its expected result. The README.md beside the cases explains the members.
type testCase struct {
	Target        string            `json:"target"`
	RPC           string            `json:"rpc"`
	Request       json.RawMessage   `json:"request"`
	TimeoutMS     int               `json:"timeout_ms"`
	Metadata      map[string]string `json:"metadata"`
	CancelAfterMS int               `json:"cancel_after_ms"`
	Validate      bool              `json:"validate"`
	Stream        []json.RawMessage `json:"stream"` // each a streamStep, after saved.fill
	Save          map[string]string `json:"save"`
	Expect        object            `json:"expect"`
}

// streamStep has either Send, or Receive and possibly Save.
type streamStep struct {
	Send    json.RawMessage   `json:"send"`
	Receive object            `json:"receive"`
	Save    map[string]string `json:"save"`
}

func readTestCase(path string, saved saved) (*testCase, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	testCase := &testCase{TimeoutMS: 10_000}
	return testCase, json.Unmarshal(saved.fill(text), testCase)
}

func (c *testCase) timeout() time.Duration { return time.Duration(c.TimeoutMS) * time.Millisecond }

func (c *testCase) cancelAfter() time.Duration {
	return time.Duration(c.CancelAfterMS) * time.Millisecond
}
