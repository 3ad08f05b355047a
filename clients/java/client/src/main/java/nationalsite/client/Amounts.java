package nationalsite.client;

import com.google.type.Money;
import java.math.BigDecimal;

/** google.type.Money as a BigDecimal and back, exactly. */
public final class Amounts {
  private static final int DECIMALS = 9; // of nanos

  private Amounts() {}

  /** The amount, in units of its currency: yuan for CNY. */
  public static BigDecimal decimalOf(Money money) {
    var exact = BigDecimal.valueOf(money.getUnits()).add(BigDecimal.valueOf(money.getNanos(), DECIMALS));
    var shortest = exact.stripTrailingZeros();
    return shortest.scale() < 0 ? shortest.setScale(0) : shortest;
  }

  /** An amount in yuan as Money. */
  public static Money moneyOf(BigDecimal amount) {
    return moneyOf(amount, "CNY");
  }

  /**
   * An amount in units of its currency as Money.
   *
   * @throws ArithmeticException where it has more than nine decimals, or is beyond a long
   */
  public static Money moneyOf(BigDecimal amount, String currencyCode) {
    var parts = amount.divideAndRemainder(BigDecimal.ONE);
    return Money.newBuilder()
        .setCurrencyCode(currencyCode)
        .setUnits(parts[0].longValueExact())
        .setNanos(parts[1].movePointRight(DECIMALS).intValueExact())
        .build();
  }
}
