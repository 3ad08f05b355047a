// Runs every case in Go, with clients/go. The README.md beside the cases explains them.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"nationalsite.internal/client"
	accountv1 "nationalsite.internal/go/account/v1"
	ordersyncv1 "nationalsite.internal/go/ordersync/v1"
	productv1 "nationalsite.internal/go/product/v1"
)

var services = map[protoreflect.FullName]client.Service{
	protoreflect.FullName(accountv1.AccountService_ServiceDesc.ServiceName):     client.Account,
	protoreflect.FullName(ordersyncv1.OrderSyncService_ServiceDesc.ServiceName): client.OrderSync,
	protoreflect.FullName(productv1.ProductService_ServiceDesc.ServiceName):     client.Product,
}

// channels has one channel for each target.
type channels map[string]*grpc.ClientConn

func (c channels) get(target string, service protoreflect.FullName) (*grpc.ClientConn, error) {
	if conn, ok := c[target]; ok {
		return conn, nil
	}
	conn, err := client.Connect(os.Getenv("POLYGLOT_"+target), services[service])
	if err == nil {
		c[target] = conn
	}
	return conn, err
}

// caseResult is printed for each case.
type caseResult struct {
	Case        string `json:"case"`
	Passed      bool   `json:"passed"`
	Differences string `json:"differences"`
}

// runCase runs a case. It returns the differences to its expectation, or the error that prevented the call.
func runCase(path string, channels channels, saved saved) string {
	testCase, err := readTestCase(path, saved)
	if err != nil {
		return err.Error()
	}
	call, err := newCall(testCase, saved)
	if err != nil {
		return err.Error()
	}
	actual, err := call.run(channels)
	if err != nil {
		return err.Error()
	}
	differences := strings.Join(compareResult(testCase.Expect, actual), "; ")
	if message, failed := actual["message"]; failed && differences != "" {
		differences += fmt.Sprintf(" (%s)", message)
	}
	if differences == "" {
		if err := saved.add(testCase.Save, actual["response"]); err != nil {
			return err.Error()
		}
	}
	return differences
}

func main() {
	paths, err := filepath.Glob(filepath.Join(os.Getenv("POLYGLOT_CASES"), "*.json"))
	if err != nil {
		log.Fatal(err)
	}
	channels, saved := channels{}, saved{}
	stdout := json.NewEncoder(os.Stdout)
	for _, path := range paths { // Glob sorts them
		differences := runCase(path, channels, saved)
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		result := caseResult{Case: name, Passed: differences == "", Differences: differences}
		if err := stdout.Encode(result); err != nil {
			log.Fatal(err)
		}
	}
	for _, conn := range channels {
		_ = conn.Close() // fails only if it is closed already
	}
}
