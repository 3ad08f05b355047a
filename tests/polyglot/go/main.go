// Makes every case from Go, through clients/go. The README.md beside the cases explains them.
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

// channels has one recommended channel per address.
type channels map[string]*grpc.ClientConn

func (c channels) to(at string, service protoreflect.FullName) (*grpc.ClientConn, error) {
	if conn, open := c[at]; open {
		return conn, nil
	}
	conn, err := client.Connect(os.Getenv("POLYGLOT_"+at), services[service])
	if err == nil {
		c[at] = conn
	}
	return conn, err
}

// line is what is printed for each case.
type line struct {
	Case   string `json:"case"`
	Passed bool   `json:"passed"`
	Why    string `json:"why"`
}

// run makes a case and returns what is not as it expects, or why it cannot be made.
func run(path string, channels channels) string {
	testCase, err := read(path)
	if err != nil {
		return err.Error()
	}
	call, err := newCall(testCase)
	if err != nil {
		return err.Error()
	}
	found, err := call.made(channels)
	if err != nil {
		return err.Error()
	}
	why := strings.Join(unlike(testCase.Expect, found), "; ")
	if message, failed := found["message"]; failed && why != "" {
		why += fmt.Sprintf(" (%s)", message)
	}
	return why
}

func main() {
	paths, err := filepath.Glob(filepath.Join(os.Getenv("POLYGLOT_CASES"), "*.json"))
	if err != nil {
		log.Fatal(err)
	}
	channels := channels{}
	printed := json.NewEncoder(os.Stdout)
	for _, path := range paths { // in the order of their names
		why := run(path, channels)
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		if err := printed.Encode(line{Case: name, Passed: why == "", Why: why}); err != nil {
			log.Fatal(err)
		}
	}
	for _, conn := range channels {
		_ = conn.Close() // it is open: nothing can fail
	}
}
