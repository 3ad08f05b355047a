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
	Stream        []streamStep      `json:"stream"`
	Expect        object            `json:"expect"`
}

// streamStep has one of its members.
type streamStep struct {
	Send    json.RawMessage `json:"send"`
	Receive object          `json:"receive"`
}

func readTestCase(path string) (*testCase, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	testCase := &testCase{TimeoutMS: 10_000}
	return testCase, json.Unmarshal(text, testCase)
}

func (c *testCase) timeout() time.Duration { return time.Duration(c.TimeoutMS) * time.Millisecond }

func (c *testCase) cancelAfter() time.Duration {
	return time.Duration(c.CancelAfterMS) * time.Millisecond
}
