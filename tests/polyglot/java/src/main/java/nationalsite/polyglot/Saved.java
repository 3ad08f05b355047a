package nationalsite.polyglot;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.Map;
import java.util.TreeMap;

/** Values of earlier responses, by name. */
final class Saved {
  private final Map<String, String> values = new TreeMap<>();

  /** Returns a copy of a case, or of a step, with {@code {{name}}} replaced by saved values. */
  JsonObject fill(JsonObject fields) {
    var text = fields.toString();
    for (var value : values.entrySet()) {
      text = text.replace("{{" + value.getKey() + "}}", value.getValue());
    }
    return JsonParser.parseString(text).getAsJsonObject();
  }

  /** Saves the values of a response to which the member {@code save} of a case or of a step leads. */
  void add(JsonObject step, JsonElement response) {
    if (step.has("save")) {
      step.getAsJsonObject("save").asMap()
          .forEach((name, path) -> values.put(name, find(response, path.getAsString()).getAsString()));
    }
  }

  private static JsonElement find(JsonElement response, String path) {
    var value = response;
    for (var key : path.split("\\.")) {
      value = value.isJsonArray()
          ? value.getAsJsonArray().get(Integer.parseInt(key))
          : value.getAsJsonObject().get(key);
    }
    return value;
  }
}
