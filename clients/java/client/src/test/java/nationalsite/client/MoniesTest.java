package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.type.Money;
import java.math.BigDecimal;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MoniesTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0, 0",
    "29, 29, 0",
    "1000, 1000, 0",
    "27.26, 27, 260000000",
    "-0.5, 0, -500000000",
    "-1.000000001, -1, -1",
    "9223372036854775807.999999999, 9223372036854775807, 999999999",
    "-9223372036854775808.999999999, -9223372036854775808, -999999999"
  })
  void conversionIsExactInBothDirections(BigDecimal amount, long units, int nanos) {
    var money = Money.newBuilder().setCurrencyCode("CNY").setUnits(units).setNanos(nanos).build();
    assertEquals(money, Monies.fromDecimal(amount));
    assertEquals(amount, Monies.toDecimal(money));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0000000001", "9223372036854775808", "-9223372036854775809"})
  void amountThatMoneyCannotHoldIsRejected(BigDecimal amount) {
    assertThrows(ArithmeticException.class, () -> Monies.fromDecimal(amount, "JPY"));
  }
}
