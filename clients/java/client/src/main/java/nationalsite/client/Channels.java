package nationalsite.client;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Channels with the settings that the services recommend. */
public final class Channels {
  private static final int MAX_RESPONSE_BYTES = 32 * 1024 * 1024; // larger than any list (3 MiB)
  private static final Duration MAX_RECONNECT_BACKOFF = Duration.ofSeconds(5);

  private Channels() {}

  /** Returns a plaintext channel with the recommended settings. */
  public static ManagedChannel connect(String target, Service service) {
    return connect(target, service, InsecureChannelCredentials.create(), builder -> {});
  }

  /**
   * Returns a channel to a service. It balances calls over all addresses, retries reads, and sends keepalive
   * pings. Shut it down when you no longer need it.
   *
   * @param target {@code host:port}, or any name that gRPC resolves
   * @param customizer overrides recommended settings
   */
  public static ManagedChannel connect(
      String target, Service service, ChannelCredentials credentials, Consumer<ManagedChannelBuilder<?>> customizer) {
    var builder =
        Grpc.newChannelBuilder(toUri(target), credentials)
            .defaultServiceConfig(service.serviceConfig())
            .intercept(new DetachingInterceptor())
            // Detects servers that vanished. The services permit a ping every 10 s, also between calls.
            .keepAliveTime(30, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS)
            .keepAliveWithoutCalls(true)
            .maxInboundMessageSize(MAX_RESPONSE_BYTES);
    customizer.accept(builder);
    var channel = builder.build();
    new ReconnectBackoffLimiter(channel, MAX_RECONNECT_BACKOFF).start();
    return channel;
  }

  /** Resolves a name without a scheme by DNS, to all its addresses. */
  private static String toUri(String target) {
    return target.contains(":///") || target.startsWith("unix:") ? target : "dns:///" + target;
  }
}
