package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import nationalsite.ordersync.v1.Message;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc;
import nationalsite.ordersync.v1.ReceivedMessage;
import nationalsite.ordersync.v1.StreamMessagesRequest;
import nationalsite.ordersync.v1.StreamMessagesRequest.RequestCase;
import nationalsite.ordersync.v1.StreamMessagesResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is special to Java. tests/consumers has what all consumers do. */
@Timeout(20)
class ConsumerTest {
  private final BlockingQueue<StreamMessagesRequest> requests = new LinkedBlockingQueue<>();
  private final BlockingQueue<StreamObserver<StreamMessagesResponse>> streams = new LinkedBlockingQueue<>();
  private Server server;
  private ManagedChannel channel;

  @BeforeEach
  void start() throws IOException {
    var health = new HealthStatusManager();
    health.setStatus(OrderSyncServiceGrpc.SERVICE_NAME, ServingStatus.SERVING);
    server =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(health.getHealthService())
            .addService(new FakeStreams())
            .build()
            .start();
    channel = Channels.connect("127.0.0.1:" + server.getPort(), Service.ORDER_SYNC);
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  @Test
  void closeWaitsForHandlersAndLeavesNoThreads() throws Exception {
    var isReturning = new CountDownLatch(1);
    var consumer = newConsumer(message -> isReturning.await()).build();
    var run = CompletableFuture.runAsync(consumer);
    deliver(streams.take(), "1");
    awaitThread("nationalsite-handler-shop");
    var close = CompletableFuture.runAsync(consumer::close);
    isReturning.countDown();
    close.join();
    run.join();
    assertEquals(List.of(RequestCase.OPEN, RequestCase.ACK), takeRequests(2));
    for (var thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().endsWith("-shop")) {
        thread.join();
      }
    }
  }

  @Test
  void interruptStopsTheConsumer() throws Exception {
    var isInterrupted = new CompletableFuture<Boolean>();
    var consumer = newConsumer(message -> {}).build();
    var thread =
        new Thread(
            () -> {
              consumer.run();
              isInterrupted.complete(Thread.interrupted());
            });
    thread.start();
    streams.take();
    thread.interrupt();
    assertTrue(isInterrupted.join());
  }

  @Test
  void closeBeforeRunEndsItAtOnce() {
    var consumer = newConsumer(message -> {}).build();
    consumer.close();
    consumer.run();
    assertThrows(IllegalStateException.class, consumer::run);
  }

  @Test
  void contextOfTheHandlerHasTheDeliveryAndTheCause() throws Exception {
    var attempts = new CompletableFuture<Integer>();
    var cause = new CompletableFuture<Throwable>();
    Consumer.Handler handler =
        message -> {
          attempts.complete(Consumer.RECEIVED_MESSAGE.get().getDeliveryAttempt());
          try {
            new CountDownLatch(1).await();
          } finally {
            cause.complete(Context.current().cancellationCause());
          }
        };
    try (var consumer = newConsumer(handler).build()) {
      var run = CompletableFuture.runAsync(consumer);
      var stream = streams.take();
      deliver(stream, "1");
      assertEquals(1, attempts.join());
      var lapsed = StreamMessagesResponse.Lapsed.newBuilder().addAckIds("1#1");
      stream.onNext(StreamMessagesResponse.newBuilder().setLapsed(lapsed).build());
      assertInstanceOf(Consumer.LeaseLapsedException.class, cause.join());
      consumer.stop();
      run.join();
    }
  }

  @Test
  void ownExecutorIsUsedAndLeftAsItIs() throws Exception {
    var executor = Executors.newSingleThreadExecutor(task -> new Thread(task, "own"));
    var names = new LinkedBlockingQueue<String>();
    Consumer.Handler handler =
        message -> {
          names.add(Thread.currentThread().getName());
          new CountDownLatch(1).await();
        };
    var builder = newConsumer(handler).executor(executor).handlerTimeout(Duration.ofMillis(50));
    try (var consumer = builder.build()) {
      var run = CompletableFuture.runAsync(consumer);
      deliver(streams.take(), "1");
      assertEquals("own", names.take());
      assertEquals(List.of(RequestCase.OPEN, RequestCase.SET_LEASE), takeRequests(2)); // it was interrupted
      assertFalse(executor.submit(() -> Thread.currentThread().isInterrupted()).get());
      consumer.stop();
      run.join();
    } finally {
      executor.shutdown();
      assertTrue(executor.awaitTermination(20, TimeUnit.SECONDS));
    }
  }

  @Test
  void messageIsReleasedIfTheExecutorRejectsIt() throws Exception {
    var consumer =
        newConsumer(message -> {})
            .executor(
                task -> {
                  throw new RejectedExecutionException();
                })
            .build();
    var run = CompletableFuture.runAsync(consumer);
    deliver(streams.take(), "1");
    assertEquals(List.of(RequestCase.OPEN, RequestCase.SET_LEASE), takeRequests(2));
    consumer.close();
    run.join();
  }

  @Test
  void exceptionOfAnInterceptorReopensTheStream() throws Exception {
    var isFirst = new AtomicBoolean(true);
    var interceptor =
        new ClientInterceptor() {
          @Override
          public <Q, R> ClientCall<Q, R> interceptCall(
              MethodDescriptor<Q, R> method, CallOptions callOptions, Channel next) {
            if (isFirst.getAndSet(false)) {
              throw new IllegalStateException("no credentials yet");
            }
            return next.newCall(method, callOptions);
          }
        };
    var intercepted = ClientInterceptors.intercept(channel, interceptor);
    try (var consumer = Consumer.newBuilder(intercepted, "shop", message -> {}).build()) {
      CompletableFuture.runAsync(consumer);
      assertEquals(List.of(RequestCase.OPEN), takeRequests(1));
    }
  }

  @Test
  void errorOfAHandlerReleasesTheMessage() throws Exception {
    Consumer.Handler handler =
        message -> {
          throw new StackOverflowError("simulated");
        };
    try (var consumer = newConsumer(handler).build()) {
      CompletableFuture.runAsync(consumer);
      deliver(streams.take(), "1");
      assertEquals(List.of(RequestCase.OPEN, RequestCase.SET_LEASE), takeRequests(2));
    }
  }

  @Test
  void streamThatBreaksThreeTimesInARowIsAWarning() throws Exception {
    var lines = new LinkedBlockingQueue<String>();
    var handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            lines.add(record.getLevel() + " " + record.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    var logger = Logger.getLogger("nationalsite.client");
    logger.addHandler(handler);
    try (var consumer = newConsumer(message -> {}).build()) {
      CompletableFuture.runAsync(consumer);
      for (var level : List.of("INFO", "INFO", "WARNING")) {
        streams.take().onError(Status.UNAVAILABLE.withDescription("simulated").asRuntimeException());
        assertEquals(level + " stream_ended code=UNAVAILABLE reason= message=simulated", lines.take());
      }
    } finally {
      logger.removeHandler(handler);
    }
  }

  static List<UnaryOperator<Consumer.Builder>> invalidOptions() {
    return List.of(
        builder -> builder.maxOutstanding(0),
        builder -> builder.maxOutstanding(1001),
        builder -> builder.lease(Duration.ofMillis(9_999)),
        builder -> builder.lease(Duration.ofMillis(600_001)),
        builder -> builder.handlerTimeout(Duration.ZERO),
        builder -> builder.stopGrace(Duration.ofMillis(-1)));
  }

  @ParameterizedTest
  @MethodSource("invalidOptions")
  void invalidOptionIsRejected(UnaryOperator<Consumer.Builder> change) {
    var builder = change.apply(newConsumer(message -> {}));
    assertThrows(IllegalArgumentException.class, builder::build);
  }

  private Consumer.Builder newConsumer(Consumer.Handler handler) {
    return Consumer.newBuilder(channel, "shop", handler);
  }

  private static void deliver(StreamObserver<StreamMessagesResponse> stream, String messageId) {
    var received =
        ReceivedMessage.newBuilder()
            .setAckId(messageId + "#1")
            .setMessage(Message.newBuilder().setMessageId(messageId))
            .setDeliveryAttempt(1);
    var delivered = StreamMessagesResponse.Delivered.newBuilder().addReceivedMessages(received);
    stream.onNext(StreamMessagesResponse.newBuilder().setDelivered(delivered).build());
  }

  private List<RequestCase> takeRequests(int count) throws InterruptedException {
    var taken = new ArrayList<RequestCase>();
    while (taken.size() < count) {
      taken.add(requests.take().getRequestCase());
    }
    return taken;
  }

  private static void awaitThread(String name) {
    while (Thread.getAllStackTraces().keySet().stream().noneMatch(thread -> thread.getName().equals(name))) {
      Thread.onSpinWait();
    }
  }

  /**
   * Passes each stream, and what a consumer sends, to the test. Ends a stream when the consumer closes its
   * side.
   */
  private final class FakeStreams extends OrderSyncServiceGrpc.OrderSyncServiceImplBase {
    @Override
    public StreamObserver<StreamMessagesRequest> streamMessages(
        StreamObserver<StreamMessagesResponse> responses) {
      streams.add(responses);
      return new StreamObserver<>() {
        @Override
        public void onNext(StreamMessagesRequest request) {
          requests.add(request);
        }

        @Override
        public void onError(Throwable error) {}

        @Override
        public void onCompleted() {
          responses.onCompleted();
        }
      };
    }
  }
}
