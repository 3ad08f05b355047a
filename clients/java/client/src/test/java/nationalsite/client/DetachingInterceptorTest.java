package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import nationalsite.product.v1.ProductServiceGrpc;
import nationalsite.product.v1.UploadImageRequest;
import nationalsite.product.v1.UploadImageResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DetachingInterceptorTest {
  private FakeProductService server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeProductService();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** Everything that gRPC starts while it makes a call, such as a health watch, gets one of the contexts recorded here. */
  @Test
  void callsAreMadeInContextsThatDoNotEnd() throws Exception {
    var key = Context.<String>key("key");
    var contexts = new ConcurrentLinkedQueue<Context>();
    var channel = Channels.connect(server.address(), Service.PRODUCT);
    var intercepted =
        ClientInterceptors.intercept(channel, new ContextRecorder(contexts), new DetachingInterceptor());
    try (var context = Context.current().withValue(key, "value").withCancellation()) {
      context.call(() -> write(intercepted));
    } finally {
      channel.shutdownNow();
    }
    assertEquals(List.of("value"), contexts.stream().map(key::get).distinct().toList());
    assertEquals(List.of(false), contexts.stream().map(Context::isCancelled).distinct().toList());
  }

  @Test
  void callEndsWithTheContextOfItsCaller() {
    server.responds = false;
    var channel = Channels.connect(server.address(), Service.PRODUCT);
    var context = Context.current().withCancellation();
    try {
      server.onCall = () -> context.cancel(null);
      assertEquals(Status.Code.CANCELLED, codeOfFailedCall(context, channel));
      assertEquals(Status.Code.CANCELLED, codeOfFailedCall(context, channel)); // the context ended before the call
      assertEquals(1, server.calls.get());
    } finally {
      context.cancel(null);
      channel.shutdownNow();
    }
  }

  @Test
  void callHasTheDeadlineOfItsCallersContext() {
    server.responds = false;
    var channel = Channels.connect(server.address(), Service.PRODUCT);
    var timer = Executors.newSingleThreadScheduledExecutor();
    try (var context = Context.current().withDeadlineAfter(300, TimeUnit.MILLISECONDS, timer)) {
      assertEquals(Status.Code.DEADLINE_EXCEEDED, codeOfFailedCall(context, channel));
    } finally {
      timer.shutdownNow();
      channel.shutdownNow();
    }
  }

  /** Records the contexts in which a call is made, started, and answered. */
  private record ContextRecorder(Queue<Context> contexts) implements ClientInterceptor {
    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
      contexts.add(Context.current());
      var executor = options.getExecutor();
      var recordingOptions = options.withExecutor(task -> executor.execute(() -> {
        contexts.add(Context.current());
        task.run();
      }));
      return new SimpleForwardingClientCall<>(next.newCall(method, recordingOptions)) {
        @Override
        public void start(Listener<R> listener, Metadata headers) {
          contexts.add(Context.current());
          super.start(listener, headers);
        }
      };
    }
  }

  private static Status.Code codeOfFailedCall(Context context, Channel channel) {
    var error = assertThrows(StatusRuntimeException.class, () -> context.call(() -> write(channel)));
    return error.getStatus().getCode();
  }

  private static UploadImageResponse write(Channel channel) {
    return ProductServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .uploadImage(UploadImageRequest.getDefaultInstance());
  }
}
