package nationalsite.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.DebugInfo;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Help;
import com.google.rpc.LocalizedMessage;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.QuotaFailure;
import com.google.rpc.RequestInfo;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import nationalsite.errors.v1.ErrorReason;

/**
 * What a failed call tells, or one result that is none.
 *
 * @param message for people; act by the reason
 * @param reason ERROR_REASON_UNSPECIFIED where gRPC itself failed, and where the reason is newer than these stubs
 * @param reasonName as it came, such as {@code ERROR_REASON_OFFER_NOT_FOUND}; empty where gRPC itself failed
 * @param info what ErrorInfo adds: {@code source}, {@code operation}, and 1688's own {@code code} and {@code message}
 * @param retryDelay after how long a repeat may help; empty: the service does not say
 * @param pushback the same as gRPC's own retries read it: negative = never repeat
 * @param details all details of a known type, in their order
 */
public record Failure(
    Status.Code status,
    String message,
    ErrorReason reason,
    String reasonName,
    Map<String, String> info,
    List<Violation> violations,
    Optional<Duration> retryDelay,
    Optional<Duration> pushback,
    List<Message> details) {

  /**
   * A field that breaks a rule.
   *
   * @param field its path in the request, such as {@code sort.order}
   */
  public record Violation(String field, String description) {}

  private static final Metadata.Key<byte[]> STATUS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
  private static final Metadata.Key<String> PUSHBACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);
  private static final List<Class<? extends Message>> KNOWN =
      List.of(
          ErrorInfo.class,
          BadRequest.class,
          RetryInfo.class,
          QuotaFailure.class,
          PreconditionFailure.class,
          ResourceInfo.class,
          RequestInfo.class,
          LocalizedMessage.class,
          DebugInfo.class,
          Help.class);

  /** What a StatusRuntimeException or a StatusException tells, also where it is the cause of {@code error}. */
  public static Failure of(Throwable error) {
    var status = Status.fromThrowable(error);
    var trailers = Objects.requireNonNullElseGet(Status.trailersFromThrowable(error), Metadata::new);
    var message = Objects.requireNonNullElse(status.getDescription(), "");
    return of(status.getCode(), message, rich(trailers.get(STATUS)), pushback(trailers.get(PUSHBACK)));
  }

  /** What one result of WriteOrderRelations tells; empty where it is OK. */
  public static Optional<Failure> ofResult(com.google.rpc.Status result) {
    var code = Status.fromCodeValue(result.getCode()).getCode();
    return code == Status.Code.OK
        ? Optional.empty()
        : Optional.of(of(code, result.getMessage(), result, Optional.empty()));
  }

  private static Failure of(
      Status.Code code, String message, com.google.rpc.Status rich, Optional<Duration> pushback) {
    var details = rich.getDetailsList().stream().flatMap(Failure::unpacked).toList();
    var info = first(details, ErrorInfo.class).orElse(ErrorInfo.getDefaultInstance());
    var badRequest = first(details, BadRequest.class).orElse(BadRequest.getDefaultInstance());
    return new Failure(
        code,
        message,
        reason(info.getReason()),
        info.getReason(),
        info.getMetadataMap(),
        badRequest.getFieldViolationsList().stream()
            .map(each -> new Violation(each.getField(), each.getDescription()))
            .toList(),
        first(details, RetryInfo.class).map(RetryInfo::getRetryDelay).map(Failure::duration),
        pushback,
        details);
  }

  /** The rich status; an empty one where somebody on the way sent what is none. */
  private static com.google.rpc.Status rich(byte[] sent) {
    try {
      return com.google.rpc.Status.parseFrom(sent == null ? new byte[0] : sent);
    } catch (InvalidProtocolBufferException none) {
      return com.google.rpc.Status.getDefaultInstance();
    }
  }

  /** What is not a number means never, as gRPC has it. */
  private static Optional<Duration> pushback(String sent) {
    try {
      return Optional.ofNullable(sent).map(Long::valueOf).map(Duration::ofMillis);
    } catch (NumberFormatException none) {
      return Optional.of(Duration.ofMillis(-1));
    }
  }

  private static Stream<Message> unpacked(Any packed) {
    try {
      for (var known : KNOWN) {
        if (packed.is(known)) {
          return Stream.of(packed.unpack(known));
        }
      }
    } catch (InvalidProtocolBufferException none) {
      return Stream.empty(); // as with a status that is none
    }
    return Stream.empty();
  }

  private static <T extends Message> Optional<T> first(List<Message> details, Class<T> type) {
    return details.stream().filter(type::isInstance).map(type::cast).findFirst();
  }

  private static ErrorReason reason(String name) {
    var known = ErrorReason.getDescriptor().findValueByName(name);
    return known == null ? ErrorReason.ERROR_REASON_UNSPECIFIED : ErrorReason.valueOf(known);
  }

  private static Duration duration(com.google.protobuf.Duration sent) {
    return Duration.ofSeconds(sent.getSeconds(), sent.getNanos());
  }
}
