package nationalsite.client;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc.OrderSyncServiceBlockingStub;

/**
 * An OrderSyncService on loopback. It answers unary calls with the next of its answers; the last one is used
 * again.
 */
final class FakeOrderSyncService implements AutoCloseable {
  final List<Call> calls = new CopyOnWriteArrayList<>();
  private final Deque<Object> answers;
  private final Server server;
  private final ManagedChannel channel;

  /**
   * A call that was received.
   *
   * @param timeout the time until its deadline
   */
  record Call(Message request, long timeNanos, Duration timeout) {}

  /**
   * Starts the server.
   *
   * @param answers responses, and StatusRuntimeExceptions
   */
  FakeOrderSyncService(Object... answers) throws IOException {
    this.answers = new ArrayDeque<>(List.of(answers));
    var builder = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create());
    server = builder.addService(bind()).build().start();
    channel =
        Grpc.newChannelBuilder("127.0.0.1:" + server.getPort(), InsecureChannelCredentials.create())
            .disableRetry() // the calls of the tests are counted
            .intercept(new DetachingInterceptor())
            .build();
  }

  OrderSyncServiceBlockingStub stub() {
    return OrderSyncServiceGrpc.newBlockingStub(channel);
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  /** Returns an error as the service sends it; null for details that it does not have. */
  static StatusRuntimeException error(Status.Code code, String reason, Long retryDelayMs, Long pushbackMs) {
    return error(code, reason, "nationalsite", retryDelayMs, pushbackMs);
  }

  /** Returns an error with a reason of this domain. */
  static StatusRuntimeException error(
      Status.Code code, String reason, String domain, Long retryDelayMs, Long pushbackMs) {
    var status = com.google.rpc.Status.newBuilder().setCode(code.value());
    if (reason != null) {
      status.addDetails(Any.pack(ErrorInfo.newBuilder().setReason(reason).setDomain(domain).build()));
    }
    if (retryDelayMs != null) {
      var delay = Times.toProto(Duration.ofMillis(retryDelayMs));
      status.addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(delay).build()));
    }
    var trailers = new Metadata();
    var statusKey = Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
    trailers.put(statusKey, status.build().toByteArray());
    if (pushbackMs != null) {
      var pushbackKey = Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);
      trailers.put(pushbackKey, Long.toString(pushbackMs));
    }
    return code.toStatus().withDescription("simulated").asRuntimeException(trailers);
  }

  private ServerServiceDefinition bind() {
    var service = ServerServiceDefinition.builder(OrderSyncServiceGrpc.SERVICE_NAME);
    for (var method : OrderSyncServiceGrpc.getServiceDescriptor().getMethods()) {
      if (method.getType() == MethodDescriptor.MethodType.UNARY) {
        bind(service, method);
      }
    }
    return service.build();
  }

  private <Q, R> void bind(ServerServiceDefinition.Builder service, MethodDescriptor<Q, R> method) {
    service.addMethod(method, ServerCalls.asyncUnaryCall(this::answer));
  }

  @SuppressWarnings("unchecked") // the test knows the type of the response
  private synchronized <Q, R> void answer(Q request, StreamObserver<R> observer) {
    calls.add(new Call((Message) request, System.nanoTime(), remaining(Context.current().getDeadline())));
    var answer = answers.size() > 1 ? answers.remove() : answers.element();
    if (answer instanceof StatusRuntimeException error) {
      observer.onError(error);
      return;
    }
    observer.onNext((R) answer);
    observer.onCompleted();
  }

  private static Duration remaining(Deadline deadline) {
    return deadline == null ? null : Duration.ofNanos(deadline.timeRemaining(TimeUnit.NANOSECONDS));
  }
}
