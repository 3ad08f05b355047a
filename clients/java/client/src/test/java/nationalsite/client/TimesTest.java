package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.util.Durations;
import com.google.protobuf.util.Timestamps;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TimesTest {
  @ParameterizedTest
  @ValueSource(
      strings = {"1970-01-01T00:00:00Z", "2026-11-30T17:18:19.123456789Z", "1969-12-31T23:59:59.999999999Z"})
  void conversionOfTimesIsExact(String text) throws ParseException {
    var timestamp = Timestamps.parse(text);
    assertEquals(timestamp, Times.toProto(Instant.parse(text)));
    assertEquals(Instant.parse(text), Times.toInstant(timestamp));
  }

  @ParameterizedTest
  @CsvSource({"PT0S, 0s", "PT1.5S, 1.5s", "PT-1.5S, -1.5s", "PT-0.000000001S, -0.000000001s"})
  void conversionOfDurationsIsExact(Duration duration, String text) throws ParseException {
    var proto = Durations.checkValid(Times.toProto(duration));
    assertEquals(Durations.parse(text), proto);
    assertEquals(duration, Times.toDuration(proto));
  }
}
