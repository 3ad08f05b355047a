package nationalsite.polyglot;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** How the result of a call differs from what its case expects. */
final class Comparison {
  private Comparison() {}

  /** Returns the differences between {@code expect} and the result of a call. */
  static List<String> compareResult(JsonObject expect, JsonObject result) {
    var expected = expect.deepCopy();
    if (!expected.has("violations") && !expected.has("status")) {
      expected.addProperty("status", "OK");
    }
    var differences = new ArrayList<String>();
    for (var member : expected.asMap().entrySet()) {
      var actual = result.get(member.getKey());
      differences.addAll(
          switch (member.getKey()) {
            case "trailing_metadata" -> compareMetadata(member.getValue().getAsJsonObject(), actual);
            case "violations" -> compareViolations(member.getValue(), actual);
            default -> compare(member.getValue(), actual, member.getKey());
          });
    }
    return differences;
  }

  /** Returns where a part of a message, or of error details, differs from what is expected. */
  static List<String> compare(JsonElement expected, JsonElement actual, String path) {
    var differences = new ArrayList<String>();
    if (expected.isJsonObject() && actual != null && actual.isJsonObject()) {
      var members = actual.getAsJsonObject();
      expected.getAsJsonObject().asMap()
          .forEach((name, value) -> differences.addAll(compare(value, members.get(name), path + "." + name)));
    } else if (expected.isJsonArray() && actual != null && actual.isJsonArray()
        && expected.getAsJsonArray().size() == actual.getAsJsonArray().size()) {
      for (var index = 0; index < expected.getAsJsonArray().size(); index++) {
        var elementPath = path + "[" + index + "]";
        differences.addAll(
            compare(expected.getAsJsonArray().get(index), actual.getAsJsonArray().get(index), elementPath));
      }
    } else if (!isEqual(expected, Objects.requireNonNullElse(actual, JsonNull.INSTANCE))) {
      differences.add(path + ": " + actual + ", not " + expected);
    }
    return differences;
  }

  private static boolean isEqual(JsonElement expected, JsonElement actual) {
    if (isNumber(expected) && isNumber(actual)) {
      return expected.getAsBigDecimal().compareTo(actual.getAsBigDecimal()) == 0;
    }
    return expected.equals(actual);
  }

  private static boolean isNumber(JsonElement value) {
    return value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber();
  }

  private static List<String> compareMetadata(JsonObject expected, JsonElement actual) {
    var sent = actual == null ? new JsonObject() : actual.getAsJsonObject();
    return expected.asMap().entrySet().stream()
        .filter(allowed -> !sent.has(allowed.getKey())
            || !allowed.getValue().getAsJsonArray().contains(sent.get(allowed.getKey())))
        .map(allowed -> "trailing_metadata " + allowed.getKey() + ": " + sent.get(allowed.getKey())
            + ", not one of " + allowed.getValue())
        .toList();
  }

  private static List<String> compareViolations(JsonElement expected, JsonElement actual) {
    return sortViolations(expected).equals(sortViolations(actual))
        ? List.of()
        : List.of("violations: " + actual + ", not " + expected);
  }

  private static List<String> sortViolations(JsonElement violations) {
    return violations.getAsJsonArray().asList().stream()
        .map(violation -> violation.getAsJsonObject().get("field") + " " + violation.getAsJsonObject().get("rule"))
        .sorted()
        .toList();
  }
}
