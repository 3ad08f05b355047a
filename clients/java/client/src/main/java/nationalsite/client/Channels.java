package nationalsite.client;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The channel that the services recommend. */
public final class Channels {
  private static final int MAX_RESPONSE_BYTES = 32 * 1024 * 1024; // 1,000 messages at once are large
  private static final Duration MAX_RECONNECT_BACKOFF = Duration.ofSeconds(5);

  private Channels() {}

  /** A plaintext channel with nothing of one's own. */
  public static ManagedChannel connect(String target, Service service) {
    return connect(target, service, InsecureChannelCredentials.create(), builder -> {});
  }

  /**
   * Makes a channel to a service: balanced over all its addresses, reads repeated, keepalive. Shut it down
   * when it is no longer needed.
   *
   * @param target {@code host:port}, or any name that gRPC resolves
   * @param own settings that come on top of the recommended ones
   */
  public static ManagedChannel connect(
      String target, Service service, ChannelCredentials credentials, Consumer<ManagedChannelBuilder<?>> own) {
    var builder =
        Grpc.newChannelBuilder(resolved(target), credentials)
            .defaultServiceConfig(service.config())
            .intercept(new Detaching())
            // Finds servers that vanished. The services permit a ping every 10 s, also between calls.
            .keepAliveTime(30, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS)
            .keepAliveWithoutCalls(true)
            .maxInboundMessageSize(MAX_RESPONSE_BYTES);
    own.accept(builder);
    var channel = builder.build();
    new Reconnecting(channel, MAX_RECONNECT_BACKOFF).watch();
    return channel;
  }

  /** A name without a scheme is resolved by DNS, to all its addresses. */
  private static String resolved(String target) {
    return target.contains(":///") || target.startsWith("unix:") ? target : "dns:///" + target;
  }
}
