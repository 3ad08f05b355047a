package nationalsite.client;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** Exponential backoff with jitter. */
final class Backoff {
  static final Duration MAX = Duration.ofSeconds(20);
  private static final long INITIAL_MS = 200;

  private Backoff() {}

  /**
   * Returns the pause after a number of failures in a row, 1 or more. It doubles with each failure. Half of
   * it is random, so that clients that failed together do not retry together.
   */
  static Duration delay(int failures) {
    var exponent = Math.max(0, Math.min(failures - 1, 30)); // beyond 30, the maximum applies anyway
    var delayMs = Math.min(INITIAL_MS << exponent, MAX.toMillis());
    return Duration.ofMillis(ThreadLocalRandom.current().nextLong(delayMs / 2, delayMs + 1));
  }
}
