// Package client is a thin companion to nationalsite's stubs: channels, failures, money, request ids, and a
// consumer of messages.
package client

import (
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // a draining replica gets no new calls: health checks of channels need this
	"google.golang.org/grpc/keepalive"

	"nationalsite.internal/go/serviceconfig"
)

// Service is one of the suite's processes.
type Service string

// The services.
const (
	Product   Service = "product"
	OrderSync Service = "order_sync"
	Account   Service = "account"
)

var serviceConfigs = map[Service]string{
	Product:   serviceconfig.Product,
	OrderSync: serviceconfig.OrderSync,
	Account:   serviceconfig.Account,
}

const (
	maxSentBytes     = 8 << 20  // what the services take
	maxReceivedBytes = 32 << 20 // 1,000 messages at once are large
)

// Connect returns a channel to a service: balanced over all its addresses, reads repeated, keepalive.
//
// The target is host:port, or any name that gRPC resolves. The channel is plaintext unless the options bring
// credentials; they come on top of the recommended ones. Close it at the end.
func Connect(target string, service Service, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	config, known := serviceConfigs[service]
	if !known {
		return nil, fmt.Errorf("client: no service %q", service)
	}
	recommended := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(config),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallSendMsgSize(maxSentBytes),
			grpc.MaxCallRecvMsgSize(maxReceivedBytes),
		),
		// Finds servers that vanished. The services permit a ping every 10 s, also between calls.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                30 * time.Second,
			Timeout:             10 * time.Second,
			PermitWithoutStream: true,
		}),
		// A restarted service is found within seconds; gRPC's own bound is two minutes.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay:  200 * time.Millisecond,
				Multiplier: 1.6,
				Jitter:     0.2,
				MaxDelay:   5 * time.Second,
			},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithChainUnaryInterceptor(unaryTrailers),
		grpc.WithChainStreamInterceptor(streamTrailers),
	}
	return grpc.NewClient(target, append(recommended, options...)...)
}
