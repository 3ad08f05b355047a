package nationalsite.polyglot;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Where what was found is not as a case expects it. */
final class Differences {
  private Differences() {}

  /** Compares what a case says under `expect` with what came of it. */
  static List<String> unlike(JsonObject expected, JsonObject found) {
    var expect = expected.deepCopy();
    if (!expect.has("violations") && !expect.has("status")) {
      expect.addProperty("status", "OK");
    }
    var unlike = new ArrayList<String>();
    for (var member : expect.asMap().entrySet()) {
      var came = found.get(member.getKey());
      unlike.addAll(
          switch (member.getKey()) {
            case "metadata" -> metadata(member.getValue().getAsJsonObject(), came);
            case "violations" -> inAnyOrder(member.getValue(), came);
            default -> of(member.getValue(), came, member.getKey());
          });
    }
    return unlike;
  }

  /** Compares a part of a message, or of what a failure tells. */
  static List<String> of(JsonElement expected, JsonElement found, String path) {
    var unlike = new ArrayList<String>();
    if (expected.isJsonObject() && found != null && found.isJsonObject()) {
      var members = found.getAsJsonObject();
      expected.getAsJsonObject().asMap()
          .forEach((name, wanted) -> unlike.addAll(of(wanted, members.get(name), path + "." + name)));
    } else if (expected.isJsonArray() && found != null && found.isJsonArray()
        && expected.getAsJsonArray().size() == found.getAsJsonArray().size()) {
      for (var place = 0; place < expected.getAsJsonArray().size(); place++) {
        var element = path + "[" + place + "]";
        unlike.addAll(of(expected.getAsJsonArray().get(place), found.getAsJsonArray().get(place), element));
      }
    } else if (!equal(expected, Objects.requireNonNullElse(found, JsonNull.INSTANCE))) {
      unlike.add(path + ": " + found + ", not " + expected);
    }
    return unlike;
  }

  private static boolean equal(JsonElement expected, JsonElement found) {
    if (number(expected) && number(found)) {
      return expected.getAsBigDecimal().compareTo(found.getAsBigDecimal()) == 0;
    }
    return expected.equals(found);
  }

  private static boolean number(JsonElement value) {
    return value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber();
  }

  private static List<String> metadata(JsonObject expected, JsonElement found) {
    var came = found == null ? new JsonObject() : found.getAsJsonObject();
    return expected.asMap().entrySet().stream()
        .filter(wanted -> !came.has(wanted.getKey())
            || !wanted.getValue().getAsJsonArray().contains(came.get(wanted.getKey())))
        .map(wanted -> "metadata " + wanted.getKey() + ": " + came.get(wanted.getKey())
            + ", not one of " + wanted.getValue())
        .toList();
  }

  private static List<String> inAnyOrder(JsonElement expected, JsonElement found) {
    return texts(expected).equals(texts(found))
        ? List.of()
        : List.of("violations: " + found + ", not " + expected);
  }

  private static List<String> texts(JsonElement list) {
    return list.getAsJsonArray().asList().stream()
        .map(each -> each.getAsJsonObject().get("field") + " " + each.getAsJsonObject().get("rule"))
        .sorted()
        .toList();
  }
}
