package nationalsite.client;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Bounds the pause between attempts to connect while a channel has no server, so that a restarted service is
 * found within seconds. gRPC's own bound is two minutes, and grpc-java has no setting for it.
 */
record Reconnecting(ManagedChannel channel, Duration pause) {
  /** Watches, without a thread of its own, until the channel is shut down. */
  void watch() {
    var state = channel.getState(false);
    if (state == ConnectivityState.TRANSIENT_FAILURE) {
      CompletableFuture.delayedExecutor(pause.toMillis(), TimeUnit.MILLISECONDS).execute(this::connectNow);
    } else if (state != ConnectivityState.SHUTDOWN) {
      channel.notifyWhenStateChanged(state, this::watch);
    }
  }

  private void connectNow() {
    channel.resetConnectBackoff();
    watch();
  }
}
