package nationalsite.client;

import io.grpc.Context;
import java.time.Duration;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Calls of stubs with a deadline that the stub itself does not have. */
final class Calls {
  private static final ScheduledThreadPoolExecutor TIMER = newTimer();

  private Calls() {}

  /**
   * Calls a method of a blocking stub with a timeout. An earlier deadline of the stub or of the context
   * remains.
   */
  static <Q, R> R call(Function<Q, R> method, Q request, Duration timeout) {
    try (var context = Context.current().withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS, TIMER)) {
      var previous = context.attach();
      try {
        return method.apply(request);
      } finally {
        context.detach(previous);
      }
    }
  }

  /** A timer whose thread ends when it has nothing to do. */
  private static ScheduledThreadPoolExecutor newTimer() {
    var timer =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              var thread = new Thread(task, "nationalsite-deadlines");
              thread.setDaemon(true);
              return thread;
            });
    timer.setKeepAliveTime(5, TimeUnit.SECONDS);
    timer.allowCoreThreadTimeOut(true);
    timer.setRemoveOnCancelPolicy(true);
    return timer;
  }
}
