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

/** Messages, and what is told of them, as JSON. */
final class Json {
  private static final JsonFormat.TypeRegistry DETAILS =
      JsonFormat.TypeRegistry.newBuilder().add(ErrorDetailsProto.getDescriptor().getMessageTypes()).build();
  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer().preservingProtoFieldNames().usingTypeRegistry(DETAILS);

  private Json() {}

  static JsonElement of(Message message) throws InvalidProtocolBufferException {
    return JsonParser.parseString(PRINTER.print(message));
  }

  static JsonObject of(Map<String, String> texts) {
    return new Gson().toJsonTree(texts).getAsJsonObject();
  }

  static Message message(JsonObject fields, Message prototype) throws InvalidProtocolBufferException {
    var builder = prototype.newBuilderForType();
    JsonFormat.parser().merge(fields.toString(), builder);
    return builder.build();
  }

  static <T> JsonArray list(Collection<T> values, Function<T, String> text) {
    return new Gson().toJsonTree(values.stream().map(text).toList()).getAsJsonArray();
  }

  /** Where a field is, such as {@code relations[2].cbu_order_id}. */
  static String path(FieldPath path) {
    return path.getElementsList().stream().map(Json::element).collect(Collectors.joining("."));
  }

  private static String element(FieldPathElement element) {
    return element.getFieldName() + (element.hasIndex() ? "[" + element.getIndex() + "]" : "");
  }
}
