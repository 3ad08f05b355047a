package nationalsite.polyglot;

import build.buf.protovalidate.ValidatorFactory;
import build.buf.protovalidate.exceptions.ValidationException;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ClientStreamTracer;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.BlockingClientCall;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nationalsite.account.v1.AccountServiceGrpc;
import nationalsite.client.ErrorDetails;
import nationalsite.client.MessageReads;
import nationalsite.client.Service;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc;
import nationalsite.ordersync.v1.PullMessagesResponse;
import nationalsite.product.v1.ProductServiceGrpc;

/** The call of a case. Its result has the names of the members of {@code expect}. */
final class Call {
  private static final Map<String, Service> SERVICES =
      Map.of(
          ProductServiceGrpc.SERVICE_NAME, Service.PRODUCT,
          OrderSyncServiceGrpc.SERVICE_NAME, Service.ORDER_SYNC,
          AccountServiceGrpc.SERVICE_NAME, Service.ACCOUNT);
  private static final Map<String, MethodDescriptor<?, ?>> METHODS =
      Stream.of(
              ProductServiceGrpc.getServiceDescriptor(),
              OrderSyncServiceGrpc.getServiceDescriptor(),
              AccountServiceGrpc.getServiceDescriptor())
          .map(ServiceDescriptor::getMethods)
          .flatMap(Collection::stream)
          .collect(Collectors.toMap(MethodDescriptor::getFullMethodName, Function.identity()));

  private final JsonObject testCase;
  private final Saved saved;
  private final MethodDescriptor<Message, Message> method;

  @SuppressWarnings("unchecked") // requests and responses of all methods are messages
  Call(JsonObject testCase, Saved saved) {
    this.testCase = testCase;
    this.saved = saved;
    method = (MethodDescriptor<Message, Message>) METHODS.get(testCase.get("rpc").getAsString());
  }

  JsonObject run(BiFunction<String, Service, ? extends Channel> getChannel) throws Exception {
    if (testCase.has("validate")) {
      return validate();
    }
    var channel = getChannel.apply(testCase.get("target").getAsString(), SERVICES.get(method.getServiceName()));
    try {
      return testCase.has("stream") ? stream(channel) : unary(channel);
    } catch (StatusException | StatusRuntimeException error) {
      return describeError(ErrorDetails.from(error));
    }
  }

  private JsonObject unary(Channel channel) throws Exception {
    var trailers = new AtomicReference<Metadata>();
    var intercepted =
        ClientInterceptors.intercept(
            channel,
            MetadataUtils.newAttachHeadersInterceptor(buildMetadata()),
            MetadataUtils.newCaptureMetadataInterceptor(new AtomicReference<>(), trailers));
    var request = buildRequest(testCase.getAsJsonObject("request"));
    try (var cancellable = Context.current().withCancellation()) {
      var options = testCase.has("cancel_after_ms") ? cancelAfterDelay(buildOptions(), cancellable) : buildOptions();
      var response = cancellable.call(() -> ClientCalls.blockingUnaryCall(intercepted, method, options, request));
      var result = resultWithStatus("OK");
      result.add("response", Json.toJson(response));
      result.add("trailing_metadata", toJson(trailers.get()));
      if (response instanceof PullMessagesResponse pulled) {
        result.add("reads", listReads(pulled));
      }
      return result;
    }
  }

  /** Returns the reads that follow each message. */
  private static JsonArray listReads(PullMessagesResponse pulled) throws InvalidProtocolBufferException {
    var reads = new JsonArray();
    for (var received : pulled.getReceivedMessagesList()) {
      var readsOfMessage = new JsonArray();
      for (var read : MessageReads.list(received.getMessage())) {
        var rpcAndRequest = new JsonObject();
        rpcAndRequest.addProperty("rpc", read.rpc());
        rpcAndRequest.add("request", Json.toJson(read.request()));
        readsOfMessage.add(rpcAndRequest);
      }
      reads.add(readsOfMessage);
    }
    return reads;
  }

  private JsonObject stream(Channel channel) throws Exception {
    BlockingClientCall<Message, Message> call =
        ClientCalls.blockingBidiStreamingCall(channel, method, buildOptions());
    for (var element : testCase.getAsJsonArray("stream")) {
      var step = saved.fill(element.getAsJsonObject());
      if (step.has("send")) {
        call.write(buildRequest(step.getAsJsonObject("send")));
        continue;
      }
      var response = call.read();
      var actual = response == null ? null : Json.toJson(response);
      var differences = Comparison.compare(step.get("receive"), actual, "receive");
      if (!differences.isEmpty()) {
        call.cancel("unexpected response", null);
        return resultWithStatus(String.join("; ", differences));
      }
      saved.add(step, actual);
    }
    call.halfClose();
    var unexpected = call.read();
    return resultWithStatus(unexpected == null ? "OK" : "OK, after " + Json.toJson(unexpected));
  }

  private JsonObject validate() throws InvalidProtocolBufferException, ValidationException {
    var violations = new JsonArray();
    var validation = ValidatorFactory.newBuilder().build().validate(buildRequest(testCase.getAsJsonObject("request")));
    for (var violation : validation.toProto().getViolationsList()) {
      var fieldAndRule = new JsonObject();
      fieldAndRule.addProperty("field", Json.formatFieldPath(violation.getField()));
      fieldAndRule.addProperty("rule", violation.getRuleId());
      violations.add(fieldAndRule);
    }
    var result = new JsonObject();
    result.add("violations", violations);
    return result;
  }

  private static JsonObject describeError(ErrorDetails details) {
    var result = resultWithStatus(details.code().name());
    result.addProperty("message", details.message());
    result.add("details", Json.toArray(details.details(), detail -> detail.getDescriptorForType().getFullName()));
    result.addProperty("reason", details.reasonName());
    result.add("error_metadata", Json.toJson(details.metadata()));
    result.addProperty("retry", details.retry().name());
    result.add("invalid_fields", Json.toArray(details.fieldViolations(), ErrorDetails.FieldViolation::field));
    result.add("violated_rules", Json.toArray(details.fieldViolations(), ErrorDetails.FieldViolation::reason));
    details.retryDelay().ifPresent(delay -> result.addProperty("retry_delay_ms", delay.toMillis()));
    details.pushback().ifPresent(pushback -> result.addProperty("pushback_ms", pushback.toMillis()));
    return result;
  }

  private static JsonObject resultWithStatus(String status) {
    var result = new JsonObject();
    result.addProperty("status", status);
    return result;
  }

  private Message buildRequest(JsonObject fields) throws InvalidProtocolBufferException {
    var marshaller = (MethodDescriptor.PrototypeMarshaller<Message>) method.getRequestMarshaller();
    return Json.toMessage(fields, marshaller.getMessagePrototype());
  }

  private CallOptions buildOptions() {
    var timeoutMs = testCase.has("timeout_ms") ? testCase.get("timeout_ms").getAsLong() : 10_000;
    return CallOptions.DEFAULT.withDeadlineAfter(timeoutMs, TimeUnit.MILLISECONDS);
  }

  /** Cancels the call a while after its request was sent. The first call of a JVM may need long to send it. */
  private CallOptions cancelAfterDelay(CallOptions options, Context.CancellableContext call) {
    var delayed =
        CompletableFuture.delayedExecutor(testCase.get("cancel_after_ms").getAsLong(), TimeUnit.MILLISECONDS);
    return options.withStreamTracerFactory(
        new ClientStreamTracer.Factory() {
          @Override
          public ClientStreamTracer newClientStreamTracer(ClientStreamTracer.StreamInfo info, Metadata headers) {
            return new ClientStreamTracer() {
              @Override
              public void outboundMessageSent(int number, long wireSize, long size) {
                delayed.execute(() -> call.cancel(null));
              }
            };
          }
        });
  }

  private Metadata buildMetadata() {
    var metadata = new Metadata();
    if (testCase.has("metadata")) {
      testCase.getAsJsonObject("metadata").asMap().forEach((name, value) -> metadata.put(toKey(name), value.getAsString()));
    }
    return metadata;
  }

  private static JsonObject toJson(Metadata metadata) {
    var values = new JsonObject();
    for (var name : metadata.keys()) {
      if (!name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
        values.addProperty(name, metadata.get(toKey(name)));
      }
    }
    return values;
  }

  private static Metadata.Key<String> toKey(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
