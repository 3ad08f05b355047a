package nationalsite.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nationalsite.ordersync.v1.OrderSyncServiceGrpc;

/** The reads that follow a message of 1688's, which itself has few details. */
public final class MessageReads {
  private static final List<Row> ROWS = readRows();
  private static final Map<String, MethodDescriptor<?, ?>> METHODS =
      OrderSyncServiceGrpc.getServiceDescriptor().getMethods().stream()
          .collect(Collectors.toMap(MethodDescriptor::getBareMethodName, method -> method));

  private MessageReads() {}

  /**
   * Returns the calls that read what a message is about, in the order in which to make them.
   *
   * <p>There are none for a message without a payload, or without the ids that the calls need. A topic
   * that is newer than this library has the reads of its payload.
   */
  public static List<MessageRead> list(nationalsite.ordersync.v1.Message message) {
    var payload = message.getDescriptorForType().findFieldByNumber(message.getPayloadCase().getNumber());
    if (payload == null) { // the number of no payload is 0
      return List.of();
    }
    var event = (Message) message.getField(payload);
    return ROWS.stream()
        .filter(row -> row.payload().equals(payload.getName()))
        .filter(row -> row.topics().isEmpty() || row.topics().contains(message.getTopic()))
        .flatMap(row -> listReads(row, event))
        .toList();
  }

  /** The fields that the request of an RPC needs. docs/messages.md describes the members. */
  private record Row(String payload, List<String> topics, String rpc, List<String> fields) {}

  private static List<Row> readRows() {
    var resource = "/nationalsite/message_reads.json";
    try (var json = new InputStreamReader(MessageReads.class.getResourceAsStream(resource), UTF_8)) {
      return new Gson().fromJson(json, new TypeToken<List<Row>>() {});
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Returns a read for each value of the first path. Values of the other paths are added. */
  private static Stream<MessageRead> listReads(Row row, Message event) {
    var first = row.fields().get(0);
    var others = row.fields().subList(1, row.fields().size());
    return listValues(event, first)
        .map(
            value -> {
              var request = newRequest(row.rpc());
              setField(request, first, value);
              others.forEach(path -> listValues(event, path).forEach(further -> setField(request, path, further)));
              return new MessageRead(row.rpc(), request.build());
            });
  }

  private static Message.Builder newRequest(String rpc) {
    var marshaller = (PrototypeMarshaller<?>) METHODS.get(rpc).getRequestMarshaller();
    return ((Message) marshaller.getMessagePrototype()).newBuilderForType();
  }

  /** Sets the field of a request that has the name at the end of a path. */
  private static void setField(Message.Builder request, String path, Object value) {
    var name = path.substring(path.lastIndexOf('.') + 1);
    request.setField(request.getDescriptorForType().findFieldByName(name), value);
  }

  /** Returns the values to which a path leads, each once, without those that are not set. */
  private static Stream<?> listValues(MessageOrBuilder message, String path) {
    var names = path.split("\\.", 2);
    var field = message.getDescriptorForType().findFieldByName(names[0]);
    var value = message.getField(field);
    var values = field.isRepeated() ? ((List<?>) value).stream() : Stream.of(value);
    var found =
        names.length > 1
            ? values.flatMap(each -> listValues((Message) each, names[1]))
            : values.filter(each -> !each.equals(field.getDefaultValue()));
    return found.distinct();
  }
}
