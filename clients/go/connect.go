// Package client is a thin library beside nationalsite's stubs: channels, error details, retries, pages, money, request
// ids, and a message consumer.
package client

import (
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // client-side health checks: a draining replica gets no new calls
	"google.golang.org/grpc/keepalive"

	"nationalsite.internal/go/serviceconfig"
)

// Service is one of nationalsite's services.
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
	maxRequestBytes  = 8 << 20  // the limit of the services
	maxResponseBytes = 32 << 20 // larger than any list (3 MiB)
)

// Connect returns a channel to a service. It balances calls over all addresses, retries reads, and sends keepalive
// pings.
//
// The target is host:port, or any name that gRPC resolves. The options override the recommended ones. Without
// credentials among them, the channel is plaintext. Close the channel when you no longer need it.
func Connect(target string, service Service, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	serviceConfig, ok := serviceConfigs[service]
	if !ok {
		return nil, fmt.Errorf("client: unknown service %q", service)
	}
	recommended := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallSendMsgSize(maxRequestBytes),
			grpc.MaxCallRecvMsgSize(maxResponseBytes),
		),
		// Detects servers that vanished. The services permit a ping every 10 s, also between calls.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                30 * time.Second,
			Timeout:             10 * time.Second,
			PermitWithoutStream: true,
		}),
		// Reconnects to a restarted service within seconds. gRPC's default maximum is two minutes.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay:  200 * time.Millisecond,
				Multiplier: 1.6,
				Jitter:     0.2,
				MaxDelay:   5 * time.Second,
			},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithChainUnaryInterceptor(unaryTrailerInterceptor),
		grpc.WithChainStreamInterceptor(streamTrailerInterceptor),
	}
	return grpc.NewClient(target, append(recommended, options...)...)
}
