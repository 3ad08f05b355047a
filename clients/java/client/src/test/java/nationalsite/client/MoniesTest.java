package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.type.Money;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MoniesTest {
  static List<JsonObject> amounts() throws IOException {
    return readCases("amounts").map(JsonElement::getAsJsonObject).toList();
  }

  static List<String> invalidTexts() throws IOException {
    return readCases("invalid_texts").map(JsonElement::getAsString).toList();
  }

  private static Stream<JsonElement> readCases(String name) throws IOException {
    return SharedCases.read("money_texts.json").getAsJsonObject().getAsJsonArray(name).asList().stream();
  }

  @ParameterizedTest
  @MethodSource("amounts")
  void conversionIsExactInBothDirections(JsonObject amount) {
    var units = amount.get("units").getAsLong();
    var money =
        Money.newBuilder().setCurrencyCode("CNY").setUnits(units).setNanos(amount.get("nanos").getAsInt()).build();
    var text = amount.get("text").getAsString();
    assertEquals(text, Monies.toText(money));
    assertEquals(0, new BigDecimal(text).compareTo(Monies.toDecimal(money)));
    assertEquals(money, Monies.fromDecimal(new BigDecimal(text)));
    for (var otherText : amount.getAsJsonArray("other_texts")) {
      assertEquals(money, Monies.fromDecimal(otherText.getAsBigDecimal()));
    }
  }

  @ParameterizedTest
  @MethodSource("invalidTexts")
  void amountThatMoneyCannotHoldIsRejected(String text) {
    var error = assertThrows(RuntimeException.class, () -> Monies.fromDecimal(new BigDecimal(text), "JPY"));
    assertTrue(error instanceof ArithmeticException || error instanceof NumberFormatException, error.toString());
  }

  @Test
  void decimalHasNoExponent() {
    assertEquals("1000", Monies.toDecimal(Money.newBuilder().setUnits(1000).build()).toString());
  }
}
