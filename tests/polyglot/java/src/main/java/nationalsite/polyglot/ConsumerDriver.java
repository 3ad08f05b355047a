package nationalsite.polyglot;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import nationalsite.client.Channels;
import nationalsite.client.Consumer;
import nationalsite.client.ErrorDetails;
import nationalsite.client.Service;
import nationalsite.ordersync.v1.Message;
import nationalsite.ordersync.v1.SubscriptionSpec;

/** Runs consumers whose handlers do what the harness says: tests/consumers/README.md. */
public final class ConsumerDriver {
  private static final PrintStream EVENTS = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private static final Map<String, DrivenConsumer> CONSUMERS = new ConcurrentHashMap<>();

  private ConsumerDriver() {}

  public static void main(String[] args) throws IOException {
    var commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (var line = commands.readLine(); line != null; line = commands.readLine()) {
      var command = JsonParser.parseString(line).getAsJsonObject();
      var name = command.get("consumer").getAsString();
      switch (command.get("command").getAsString()) {
        case "run" -> CONSUMERS.put(name, DrivenConsumer.start(name, command));
        case "stop" -> CONSUMERS.get(name).consumer.stop();
        case "return" -> CONSUMERS.get(name).result(command).add(true);
        case "fail" -> CONSUMERS.get(name).result(command).add(false);
        default -> throw new IllegalArgumentException(line);
      }
    }
    System.exit(0); // consumers that still run are not stopped
  }

  /** A consumer, and the results of its handlers. */
  private static final class DrivenConsumer {
    private final String name;
    private final ManagedChannel channel;
    private final Consumer consumer;
    private final boolean ignoresCancellation;
    /** By message id; true for success. */
    private final Map<String, BlockingQueue<Boolean>> results = new ConcurrentHashMap<>();

    private DrivenConsumer(String name, String target, JsonObject options)
        throws InvalidProtocolBufferException {
      this.name = name;
      channel = Channels.connect(target, Service.ORDER_SYNC);
      consumer = build(options);
      ignoresCancellation =
          find(options, "ignores_cancellation").map(JsonElement::getAsBoolean).orElse(false);
    }

    static DrivenConsumer start(String name, JsonObject command) throws InvalidProtocolBufferException {
      var driven =
          new DrivenConsumer(name, command.get("target").getAsString(), command.getAsJsonObject("options"));
      new Thread(driven::run, name).start();
      return driven;
    }

    BlockingQueue<Boolean> result(JsonObject command) {
      return result(command.get("message_id").getAsString());
    }

    private BlockingQueue<Boolean> result(String messageId) {
      return results.computeIfAbsent(messageId, id -> new LinkedBlockingQueue<>());
    }

    private Consumer build(JsonObject options) throws InvalidProtocolBufferException {
      var builder = Consumer.newBuilder(channel, options.get("subscription").getAsString(), this::handle);
      if (options.has("create_if_missing")) {
        var spec = SubscriptionSpec.getDefaultInstance();
        var filled = Json.toMessage(options.getAsJsonObject("create_if_missing"), spec);
        builder.createIfMissing((SubscriptionSpec) filled);
      }
      find(options, "max_outstanding").map(JsonElement::getAsInt).ifPresent(builder::maxOutstanding);
      findDuration(options, "lease_ms").ifPresent(builder::lease);
      findDuration(options, "handler_timeout_ms").ifPresent(builder::handlerTimeout);
      findDuration(options, "stop_grace_ms").ifPresent(builder::stopGrace);
      return builder.build();
    }

    private static Optional<Duration> findDuration(JsonObject options, String name) {
      return find(options, name).map(JsonElement::getAsLong).map(Duration::ofMillis);
    }

    private static Optional<JsonElement> find(JsonObject options, String name) {
      return Optional.ofNullable(options.get(name));
    }

    private void run() {
      var event = newEvent("ended");
      event.add("error", JsonNull.INSTANCE);
      try {
        consumer.run();
      } catch (RuntimeException error) {
        event.add("error", describe(error));
      }
      channel.shutdownNow();
      print(event);
    }

    private static JsonObject describe(RuntimeException error) {
      var described = new JsonObject();
      var isStatus = error instanceof StatusRuntimeException;
      described.addProperty("code", isStatus ? ErrorDetails.from(error).code().name() : "");
      described.addProperty("reason", isStatus ? ErrorDetails.from(error).reasonName() : "");
      described.addProperty("text", error.toString());
      return described;
    }

    private void handle(Message message) throws InterruptedException {
      var started = newEvent("started", message);
      var received = Consumer.RECEIVED_MESSAGE.get();
      started.addProperty("delivery_attempt", received.getDeliveryAttempt());
      print(started);
      while (true) {
        try {
          if (result(message.getMessageId()).take()) {
            return;
          }
          throw new IllegalStateException("simulated");
        } catch (InterruptedException interrupted) {
          print(newEvent("cancelled", message));
          if (!ignoresCancellation) {
            throw interrupted;
          }
        }
      }
    }

    private JsonObject newEvent(String event, Message message) {
      var fields = newEvent(event);
      fields.addProperty("message_id", message.getMessageId());
      return fields;
    }

    private JsonObject newEvent(String event) {
      var fields = new JsonObject();
      fields.addProperty("event", event);
      fields.addProperty("consumer", name);
      return fields;
    }

    private static void print(JsonObject event) {
      EVENTS.println(event);
    }
  }
}
