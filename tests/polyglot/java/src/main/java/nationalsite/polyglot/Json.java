package nationalsite.polyglot;

import build.buf.validate.FieldPath;
import build.buf.validate.FieldPathElement;
import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.ErrorDetailsProto;
import java.util.Collection;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Conversions to and from JSON. */
final class Json {
  private static final JsonFormat.TypeRegistry DETAIL_TYPES =
      JsonFormat.TypeRegistry.newBuilder().add(ErrorDetailsProto.getDescriptor().getMessageTypes()).build();
  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer().preservingProtoFieldNames().usingTypeRegistry(DETAIL_TYPES);

  private Json() {}

  static JsonElement toJson(Message message) throws InvalidProtocolBufferException {
    return JsonParser.parseString(PRINTER.print(message));
  }

  static JsonObject toJson(Map<String, String> values) {
    return new Gson().toJsonTree(values).getAsJsonObject();
  }

  static Message toMessage(JsonObject fields, Message prototype) throws InvalidProtocolBufferException {
    var builder = prototype.newBuilderForType();
    JsonFormat.parser().merge(fields.toString(), builder);
    return builder.build();
  }

  static <T> JsonArray toArray(Collection<T> values, Function<T, String> toText) {
    return new Gson().toJsonTree(values.stream().map(toText).toList()).getAsJsonArray();
  }

  /** Formats a path such as {@code relations[2].cbu_order_id}. */
  static String formatFieldPath(FieldPath path) {
    return path.getElementsList().stream().map(Json::formatElement).collect(Collectors.joining("."));
  }

  private static String formatElement(FieldPathElement element) {
    return element.getFieldName() + (element.hasIndex() ? "[" + element.getIndex() + "]" : "");
  }
}
