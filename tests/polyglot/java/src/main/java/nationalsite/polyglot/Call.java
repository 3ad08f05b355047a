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
import nationalsite.client.Failure;
import nationalsite.client.Service;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc;
import nationalsite.product.v1.ProductServiceGrpc;

/** One case: what it calls, and what came of it, with the names that `expect` has for it. */
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

  private final JsonObject spec;
  private final MethodDescriptor<Message, Message> method;

  @SuppressWarnings("unchecked") // all of our methods take and give messages
  Call(JsonObject spec) {
    this.spec = spec;
    method = (MethodDescriptor<Message, Message>) METHODS.get(spec.get("rpc").getAsString());
  }

  JsonObject made(BiFunction<String, Service, ? extends Channel> channel) throws Exception {
    if (spec.has("validate")) {
      return violations();
    }
    var on = channel.apply(spec.get("at").getAsString(), SERVICES.get(method.getServiceName()));
    try {
      return spec.has("stream") ? stream(on) : unary(on);
    } catch (StatusException | StatusRuntimeException error) {
      return failed(Failure.of(error));
    }
  }

  private JsonObject unary(Channel channel) throws Exception {
    var headers = new AtomicReference<Metadata>();
    var on =
        ClientInterceptors.intercept(
            channel,
            MetadataUtils.newAttachHeadersInterceptor(metadata()),
            MetadataUtils.newCaptureMetadataInterceptor(headers, new AtomicReference<>()));
    var request = request(spec.getAsJsonObject("request"));
    try (var cancellable = Context.current().withCancellation()) {
      var options = spec.has("cancel_after_ms") ? cancelling(options(), cancellable) : options();
      var response = cancellable.call(() -> ClientCalls.blockingUnaryCall(on, method, options, request));
      var found = status("OK");
      found.add("response", Json.of(response));
      found.add("metadata", texts(headers.get()));
      return found;
    }
  }

  private JsonObject stream(Channel channel) throws Exception {
    BlockingClientCall<Message, Message> call =
        ClientCalls.blockingBidiStreamingCall(channel, method, options());
    for (var each : spec.getAsJsonArray("stream")) {
      var step = each.getAsJsonObject();
      if (step.has("send")) {
        call.write(request(step.getAsJsonObject("send")));
        continue;
      }
      var received = call.read();
      var unlike = Differences.of(step.get("receive"), received == null ? null : Json.of(received), "receive");
      if (!unlike.isEmpty()) {
        call.cancel("not as expected", null);
        return status(String.join("; ", unlike));
      }
    }
    call.halfClose();
    var more = call.read();
    return status(more == null ? "OK" : "OK, after more: " + Json.of(more));
  }

  private JsonObject violations() throws InvalidProtocolBufferException, ValidationException {
    var violations = new JsonArray();
    var result = ValidatorFactory.newBuilder().build().validate(request(spec.getAsJsonObject("request")));
    for (var each : result.toProto().getViolationsList()) {
      var violation = new JsonObject();
      violation.addProperty("field", Json.path(each.getField()));
      violation.addProperty("rule", each.getRuleId());
      violations.add(violation);
    }
    var found = new JsonObject();
    found.add("violations", violations);
    return found;
  }

  private static JsonObject failed(Failure told) {
    var found = status(told.status().name());
    found.addProperty("message", told.message());
    found.add("details", Json.list(told.details(), detail -> detail.getDescriptorForType().getFullName()));
    found.addProperty("reason", told.reasonName());
    found.add("error_info", Json.of(told.info()));
    found.add("bad_fields", Json.list(told.violations(), Failure.Violation::field));
    told.retryDelay().ifPresent(delay -> found.addProperty("retry_delay_ms", delay.toMillis()));
    told.pushback().ifPresent(pushback -> found.addProperty("pushback_ms", pushback.toMillis()));
    return found;
  }

  private static JsonObject status(String status) {
    var found = new JsonObject();
    found.addProperty("status", status);
    return found;
  }

  private Message request(JsonObject fields) throws InvalidProtocolBufferException {
    var marshaller = (MethodDescriptor.PrototypeMarshaller<Message>) method.getRequestMarshaller();
    return Json.message(fields, marshaller.getMessagePrototype());
  }

  private CallOptions options() {
    var deadlineMs = spec.has("deadline_ms") ? spec.get("deadline_ms").getAsLong() : 10_000;
    return CallOptions.DEFAULT.withDeadlineAfter(deadlineMs, TimeUnit.MILLISECONDS);
  }

  /** Counts from when the request has left: the first call of a JVM may take longer until then. */
  private CallOptions cancelling(CallOptions options, Context.CancellableContext call) {
    var delayed =
        CompletableFuture.delayedExecutor(spec.get("cancel_after_ms").getAsLong(), TimeUnit.MILLISECONDS);
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

  private Metadata metadata() {
    var metadata = new Metadata();
    if (spec.has("metadata")) {
      spec.getAsJsonObject("metadata").asMap().forEach((name, value) -> metadata.put(key(name), value.getAsString()));
    }
    return metadata;
  }

  private static JsonObject texts(Metadata metadata) {
    var texts = new JsonObject();
    for (var name : metadata.keys()) {
      if (!name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
        texts.addProperty(name, metadata.get(key(name)));
      }
    }
    return texts;
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
