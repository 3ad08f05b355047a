package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ReconnectingTest {
  /** gRPC by itself takes minutes for so many attempts. */
  private static final int ATTEMPTS = 15;

  @Test
  @Timeout(20)
  void aLostServerIsLookedForAtTheSamePace() throws IOException {
    try (var socket = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      var target = "dns:///127.0.0.1:" + socket.getLocalPort();
      var channel = Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()).build();
      try {
        new Reconnecting(channel, Duration.ofMillis(50)).watch();
        channel.getState(true);
        var attempts = 0;
        while (attempts < ATTEMPTS) {
          socket.accept().close();
          attempts++;
          channel.getState(true); // pick_first goes idle after a connection broke
        }
        assertEquals(ATTEMPTS, attempts);
      } finally {
        channel.shutdownNow();
      }
    }
  }
}
