package nationalsite.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.TimeoutException;

/**
 * Lets calls end with their caller's context, and nothing else with it.
 *
 * <p>grpc-java may start the health watch of a connection in a caller's thread, and so in its context. In a server,
 * that context ends with the request that is being handled; the watch would end too, and the channel refuse all
 * calls until a new one has answered. Therefore calls are made in a context with the same values that does not end.
 */
final class Detaching implements ClientInterceptor {
  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    var caller = Context.current();
    var own = caller.fork();
    var before = own.attach();
    try {
      return new Detached<>(next.newCall(method, detached(options, caller.getDeadline(), own)), caller, own);
    } finally {
      own.detach(before);
    }
  }

  private static CallOptions detached(CallOptions options, Deadline deadline, Context own) {
    if (deadline != null && (options.getDeadline() == null || deadline.isBefore(options.getDeadline()))) {
      options = options.withDeadline(deadline);
    }
    var executor = options.getExecutor(); // of a blocking call: the caller's thread
    return executor == null ? options : options.withExecutor(own.fixedContextExecutor(executor));
  }

  private static final class Detached<Q, R> extends SimpleForwardingClientCall<Q, R>
      implements Context.CancellationListener {
    private final Context caller;
    private final Context own;
    private volatile boolean closed;
    private volatile boolean ended;

    Detached(ClientCall<Q, R> call, Context caller, Context own) {
      super(call);
      this.caller = caller;
      this.own = own;
    }

    @Override
    public void start(Listener<R> listener, Metadata headers) {
      own.run(() -> super.start(new Closing(listener), headers));
      caller.addListener(this, Runnable::run);
      if (closed) {
        caller.removeListener(this);
      }
    }

    @Override
    public void sendMessage(Q message) {
      unlessEnded(() -> super.sendMessage(message));
    }

    @Override
    public void halfClose() {
      unlessEnded(super::halfClose);
    }

    /** What follows a cancellation is an error of the caller's, unless it could not know of it. */
    private void unlessEnded(Runnable step) {
      try {
        step.run();
      } catch (IllegalStateException cancelled) {
        if (!ended) {
          throw cancelled;
        }
      }
    }

    @Override
    public void cancel(String message, Throwable cause) {
      own.run(() -> super.cancel(message, cause));
    }

    @Override
    public void cancelled(Context context) {
      if (!(context.cancellationCause() instanceof TimeoutException)) { // the call has that deadline itself
        ended = true;
        cancel("the caller's context was cancelled", context.cancellationCause());
      }
    }

    private final class Closing extends SimpleForwardingClientCallListener<R> {
      Closing(Listener<R> listener) {
        super(listener);
      }

      @Override
      public void onClose(Status status, Metadata trailers) {
        closed = true;
        caller.removeListener(Detached.this);
        super.onClose(status, trailers);
      }
    }
  }
}
