package nationalsite.client;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Limits the backoff between attempts to connect, so that a channel reconnects to a restarted service within
 * seconds. gRPC's default maximum is two minutes, and grpc-java has no setting for it.
 */
record ReconnectBackoffLimiter(ManagedChannel channel, Duration maxBackoff) {
  /** Follows the state of the channel until it is shut down. It needs no thread of its own. */
  void start() {
    var state = channel.getState(false);
    if (state == ConnectivityState.TRANSIENT_FAILURE) {
      CompletableFuture.delayedExecutor(maxBackoff.toMillis(), TimeUnit.MILLISECONDS).execute(this::reconnect);
    } else if (state != ConnectivityState.SHUTDOWN) {
      channel.notifyWhenStateChanged(state, this::start);
    }
  }

  private void reconnect() {
    channel.resetConnectBackoff();
    start();
  }
}
