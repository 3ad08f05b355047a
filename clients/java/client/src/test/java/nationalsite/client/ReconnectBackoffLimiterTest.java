package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;

import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ReconnectBackoffLimiterTest {
  /** Without the limiter, gRPC takes minutes for this many attempts, and more than five seconds for the sixth. */
  private static final int ATTEMPTS = 15;

  @Test
  void channelReconnectsWithConstantBackoff() throws IOException {
    try (var socket = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      socket.setSoTimeout(5_000);
      var target = "dns:///127.0.0.1:" + socket.getLocalPort();
      var channel = Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()).build();
      try {
        new ReconnectBackoffLimiter(channel, Duration.ofMillis(50)).start();
        channel.getState(true);
        for (var attempt = 0; attempt < ATTEMPTS; attempt++) {
          assertDoesNotThrow(socket::accept).close();
        }
      } finally {
        channel.shutdownNow();
      }
    }
  }
}
