// Channels with the settings that the services recommend.
import * as grpc from "@grpc/grpc-js";
import * as serviceConfigs from "@nationalsite/protos/service_configs";

export type Service = keyof typeof serviceConfigs;

export interface ConnectOptions {
  /** Without credentials, the channel is plaintext. */
  readonly credentials?: grpc.ChannelCredentials;
  /** These override the recommended options. */
  readonly options?: grpc.ChannelOptions;
}

const RECOMMENDED_OPTIONS: grpc.ChannelOptions = {
  // Detects servers that vanished. The services permit a ping every 10 s, also between calls.
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
  // Reconnects to a restarted service within seconds. gRPC's default maximum is two minutes.
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 5_000,
  "grpc.max_send_message_length": 8 * 1024 * 1024, // the limit of the services
  "grpc.max_receive_message_length": 32 * 1024 * 1024, // larger than any list (3 MiB)
  // The service config comes with the protos. Do not look for one in DNS.
  "grpc.service_config_disable_resolution": 1,
};

/**
 * Returns a channel to a service. It balances calls over all addresses, retries reads, and sends keepalive pings.
 *
 * `target` is `host:port`, or any name that gRPC resolves. Close the channel when you no longer need it.
 */
export function connect(
  target: string,
  service: Service,
  { credentials = grpc.credentials.createInsecure(), options = {} }: ConnectOptions = {},
): grpc.Channel {
  return new grpc.Channel(toUri(target), credentials, {
    ...RECOMMENDED_OPTIONS,
    "grpc.service_config": serviceConfigs[service],
    ...options,
  });
}

/** Resolves a name without a scheme by DNS, to all its addresses. */
function toUri(target: string): string {
  return /:\/\/\/|^(unix|ipv4|ipv6):/.test(target) ? target : `dns:///${target}`;
}
