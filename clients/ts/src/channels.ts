// The channel that the services recommend.
import * as grpc from "@grpc/grpc-js";
import * as configs from "@nationalsite/protos/service_configs";

export type Service = keyof typeof configs;

export interface ConnectOptions {
  /** Plaintext where there are none. */
  readonly credentials?: grpc.ChannelCredentials;
  /** These come on top of the recommended ones. */
  readonly options?: grpc.ChannelOptions;
}

const OPTIONS: grpc.ChannelOptions = {
  // Finds servers that vanished. The services permit a ping every 10 s, also between calls.
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
  // A restarted service is found within seconds; gRPC's own bound is two minutes.
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 5_000,
  "grpc.max_send_message_length": 8 * 1024 * 1024, // what the services take
  "grpc.max_receive_message_length": 32 * 1024 * 1024, // 1,000 messages at once are large
  // The configuration comes with the protos: what DNS says of one is not asked for.
  "grpc.service_config_disable_resolution": 1,
};

/**
 * Returns a channel to a service: balanced over all its addresses, reads repeated, keepalive.
 *
 * `target` is `host:port`, or any name that gRPC resolves. Close the channel in the end.
 */
export function connect(
  target: string,
  service: Service,
  { credentials = grpc.credentials.createInsecure(), options = {} }: ConnectOptions = {},
): grpc.Channel {
  return new grpc.Channel(resolved(target), credentials, {
    ...OPTIONS,
    "grpc.service_config": configs[service],
    ...options,
  });
}

/** A name without a scheme is resolved by DNS, to all its addresses. */
function resolved(target: string): string {
  return /:\/\/\/|^(unix|ipv4|ipv6):/.test(target) ? target : `dns:///${target}`;
}
