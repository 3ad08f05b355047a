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
 * Propagates the cancellation of the caller's context to the call only, not to other work that gRPC starts.
 *
 * <p>grpc-java may start the health watch of a connection in the thread, and so in the context, of a caller. In a
 * server, that context ends with the request that is being handled. The watch would end with it, and the channel
 * would fail all calls until a new watch has a response. Therefore this interceptor makes calls in a fork of the
 * context, which has the same values and does not end.
 */
final class DetachingInterceptor implements ClientInterceptor {
  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    var callerContext = Context.current();
    var callContext = callerContext.fork();
    var previous = callContext.attach();
    try {
      var callOptions = detach(options, callerContext.getDeadline(), callContext);
      return new DetachedCall<>(next.newCall(method, callOptions), callerContext, callContext);
    } finally {
      callContext.detach(previous);
    }
  }

  private static CallOptions detach(CallOptions options, Deadline deadline, Context callContext) {
    if (deadline != null && (options.getDeadline() == null || deadline.isBefore(options.getDeadline()))) {
      options = options.withDeadline(deadline);
    }
    var executor = options.getExecutor(); // for a blocking call, this runs tasks in the caller's thread
    return executor == null ? options : options.withExecutor(callContext.fixedContextExecutor(executor));
  }

  private static final class DetachedCall<Q, R> extends SimpleForwardingClientCall<Q, R>
      implements Context.CancellationListener {
    private final Context callerContext;
    private final Context callContext;
    private volatile boolean closed;
    private volatile boolean cancelledByContext;

    DetachedCall(ClientCall<Q, R> call, Context callerContext, Context callContext) {
      super(call);
      this.callerContext = callerContext;
      this.callContext = callContext;
    }

    @Override
    public void start(Listener<R> listener, Metadata headers) {
      callContext.run(() -> super.start(new ClosingListener(listener), headers));
      callerContext.addListener(this, Runnable::run);
      if (closed) {
        callerContext.removeListener(this);
      }
    }

    @Override
    public void sendMessage(Q message) {
      ignoreIfCancelled(() -> super.sendMessage(message));
    }

    @Override
    public void halfClose() {
      ignoreIfCancelled(super::halfClose);
    }

    /**
     * Runs an operation of the call. After a cancellation it throws, which is the caller's mistake, unless the
     * context cancelled the call: the caller may not know of that yet.
     */
    private void ignoreIfCancelled(Runnable operation) {
      try {
        operation.run();
      } catch (IllegalStateException cancelled) {
        if (!cancelledByContext) {
          throw cancelled;
        }
      }
    }

    @Override
    public void cancel(String message, Throwable cause) {
      callContext.run(() -> super.cancel(message, cause));
    }

    @Override
    public void cancelled(Context context) {
      if (!(context.cancellationCause() instanceof TimeoutException)) { // the call itself has the context's deadline
        cancelledByContext = true;
        cancel("the caller's context was cancelled", context.cancellationCause());
      }
    }

    private final class ClosingListener extends SimpleForwardingClientCallListener<R> {
      ClosingListener(Listener<R> listener) {
        super(listener);
      }

      @Override
      public void onClose(Status status, Metadata trailers) {
        closed = true;
        callerContext.removeListener(DetachedCall.this);
        super.onClose(status, trailers);
      }
    }
  }
}
