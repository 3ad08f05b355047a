package nationalsite.client;

import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;

/** Exact conversion between the times of protobuf and those of java.time. */
public final class Times {
  private Times() {}

  /** Returns the current time. */
  public static Timestamp now() {
    return toProto(Instant.now());
  }

  /** Returns a time as a Timestamp. */
  public static Timestamp toProto(Instant time) {
    return Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano()).build();
  }

  /** Returns a Timestamp as an Instant. Check that the field is set: one that is not is the year 1970. */
  public static Instant toInstant(Timestamp time) {
    return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
  }

  /** Returns a duration as a Duration of protobuf. */
  public static com.google.protobuf.Duration toProto(Duration duration) {
    var isNegative = duration.isNegative(); // in protobuf, seconds and nanos have the same sign
    var magnitude = duration.abs();
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(isNegative ? -magnitude.getSeconds() : magnitude.getSeconds())
        .setNanos(isNegative ? -magnitude.getNano() : magnitude.getNano())
        .build();
  }

  /** Returns a Duration of protobuf as one of java.time. */
  public static Duration toDuration(com.google.protobuf.Duration duration) {
    return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
  }
}
