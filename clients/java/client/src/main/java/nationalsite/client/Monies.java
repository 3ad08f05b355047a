package nationalsite.client;

import com.google.type.Money;
import java.math.BigDecimal;

/** Exact conversion between google.type.Money, BigDecimal and text. */
public final class Monies {
  private static final int NANO_DIGITS = 9;
  private static final int MIN_DECIMALS = 2;

  private Monies() {}

  /** Returns an amount in units of its currency: yuan for CNY. */
  public static BigDecimal toDecimal(Money money) {
    var exact = BigDecimal.valueOf(money.getUnits()).add(BigDecimal.valueOf(money.getNanos(), NANO_DIGITS));
    var stripped = exact.stripTrailingZeros();
    return stripped.scale() < 0 ? stripped.setScale(0) : stripped; // 1000, not 1E+3
  }

  /** Returns an amount as exact text, with two decimals or as many as it needs: 41.10, 0.00, 1.005. */
  public static String toText(Money money) {
    var exact = toDecimal(money);
    return exact.setScale(Math.max(MIN_DECIMALS, exact.scale())).toPlainString();
  }

  /** Returns an amount in yuan as Money. */
  public static Money fromDecimal(BigDecimal amount) {
    return fromDecimal(amount, "CNY");
  }

  /**
   * Returns an amount in units of its currency as Money.
   *
   * @throws ArithmeticException if the amount has more than nine decimals, or exceeds a long
   */
  public static Money fromDecimal(BigDecimal amount, String currencyCode) {
    var unitsAndFraction = amount.divideAndRemainder(BigDecimal.ONE);
    return Money.newBuilder()
        .setCurrencyCode(currencyCode)
        .setUnits(unitsAndFraction[0].longValueExact())
        .setNanos(unitsAndFraction[1].movePointRight(NANO_DIGITS).intValueExact())
        .build();
  }
}
