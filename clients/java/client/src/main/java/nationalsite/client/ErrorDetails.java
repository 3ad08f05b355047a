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
import nationalsite.errors.v1.ErrorsProto;
import nationalsite.errors.v1.Retry;

/**
 * The status of a failed call, or of one failed result, with its details.
 *
 * @param message for people; programs decide by {@code reason}
 * @param reason ERROR_REASON_UNSPECIFIED if gRPC itself failed, or if the reason is newer than these stubs
 * @param reasonName the reason as it was sent, such as {@code ERROR_REASON_OFFER_NOT_FOUND}; empty if gRPC
 *     itself failed, or a proxy
 * @param retry whether a retry makes sense, by the rule of the reason; RETRY_UNSPECIFIED if the reason is
 * @param metadata metadata of ErrorInfo: {@code source}, {@code operation}, {@code dialect}, 1688's own
 *     {@code upstreamCode} and {@code upstreamMessage}, and what else the rule of the reason lists
 * @param retryDelay how long to wait before a retry; empty if the service does not say
 * @param pushback the retry delay that gRPC's own retries obey; negative means do not retry; empty if there
 *     is none
 * @param details all details of a known type, in the order in which they were sent
 */
public record ErrorDetails(
    Status.Code code,
    String message,
    ErrorReason reason,
    String reasonName,
    Retry retry,
    Map<String, String> metadata,
    List<FieldViolation> fieldViolations,
    Optional<Duration> retryDelay,
    Optional<Duration> pushback,
    List<Message> details) {

  /**
   * A request field that breaks a rule.
   *
   * @param field path in the request, such as {@code sort.order}
   * @param description for people
   * @param reason the rule, for programs, such as {@code STRING_MAX_LEN}
   */
  public record FieldViolation(String field, String description, String reason) {}

  /** Of the reasons of the services. Proxies have reasons of their own. */
  private static final String DOMAIN = "nationalsite";

  private static final Metadata.Key<byte[]> STATUS_KEY =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
  private static final Metadata.Key<String> PUSHBACK_KEY =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);
  private static final List<Class<? extends Message>> DETAIL_TYPES =
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

  /**
   * Returns the details of a StatusRuntimeException or StatusException, or of one that is a cause of the
   * error.
   */
  public static ErrorDetails from(Throwable error) {
    var status = Status.fromThrowable(error);
    var trailers = Objects.requireNonNullElseGet(Status.trailersFromThrowable(error), Metadata::new);
    var message = Objects.requireNonNullElse(status.getDescription(), "");
    return build(
        status.getCode(),
        message,
        decodeStatus(trailers.get(STATUS_KEY)),
        parsePushback(trailers.get(PUSHBACK_KEY)));
  }

  /** Returns the details of the status of one result of WriteOrderRelations; empty if it is OK. */
  public static Optional<ErrorDetails> fromStatus(com.google.rpc.Status status) {
    var code = Status.fromCodeValue(status.getCode()).getCode();
    return code == Status.Code.OK
        ? Optional.empty()
        : Optional.of(build(code, status.getMessage(), status, Optional.empty()));
  }

  /**
   * Returns whether the same call is safe to make again, as far as the error says.
   *
   * <p>It follows the rule of the reason, or RetryInfo if the reason is newer than these stubs. An error
   * without a reason is not from the service: then only UNAVAILABLE, unless a pushback forbids it. Such a
   * call may have been executed: {@link Retries#call} repeats it only if that does no harm.
   */
  public boolean mayRepeat() {
    if (retry != Retry.RETRY_UNSPECIFIED) {
      return retry == Retry.RETRY_AFTER_DELAY;
    }
    if (!reasonName.isEmpty()) {
      return retryDelay.isPresent();
    }
    return code == Status.Code.UNAVAILABLE && !pushback.orElse(Duration.ZERO).isNegative();
  }

  private static ErrorDetails build(
      Status.Code code, String message, com.google.rpc.Status status, Optional<Duration> pushback) {
    var details = status.getDetailsList().stream().flatMap(ErrorDetails::unpack).toList();
    var info =
        findAll(details, ErrorInfo.class)
            .filter(found -> found.getDomain().equals(DOMAIN))
            .findFirst()
            .orElse(ErrorInfo.getDefaultInstance());
    var badRequest = findFirst(details, BadRequest.class).orElse(BadRequest.getDefaultInstance());
    var reason = toReason(info.getReason());
    return new ErrorDetails(
        code,
        message,
        reason,
        info.getReason(),
        reason.getValueDescriptor().getOptions().getExtension(ErrorsProto.rule).getRetry(),
        info.getMetadataMap(),
        badRequest.getFieldViolationsList().stream()
            .map(each -> new FieldViolation(each.getField(), each.getDescription(), each.getReason()))
            .toList(),
        findFirst(details, RetryInfo.class).map(RetryInfo::getRetryDelay).map(Times::toDuration),
        pushback,
        details);
  }

  /** Decodes the status of the trailer; an empty one if something else was sent. */
  private static com.google.rpc.Status decodeStatus(byte[] encoded) {
    try {
      return com.google.rpc.Status.parseFrom(encoded == null ? new byte[0] : encoded);
    } catch (InvalidProtocolBufferException notAStatus) {
      return com.google.rpc.Status.getDefaultInstance();
    }
  }

  /** Parses the trailer. Like gRPC, it takes anything but a number for "do not retry". */
  private static Optional<Duration> parsePushback(String milliseconds) {
    try {
      return Optional.ofNullable(milliseconds).map(Long::valueOf).map(Duration::ofMillis);
    } catch (NumberFormatException notANumber) {
      return Optional.of(Duration.ofMillis(-1));
    }
  }

  private static Stream<Message> unpack(Any packed) {
    try {
      for (var type : DETAIL_TYPES) {
        if (packed.is(type)) {
          return Stream.of(packed.unpack(type));
        }
      }
    } catch (InvalidProtocolBufferException notADetail) {
      return Stream.empty(); // as for a status that cannot be decoded
    }
    return Stream.empty();
  }

  private static <T extends Message> Optional<T> findFirst(List<Message> details, Class<T> type) {
    return findAll(details, type).findFirst();
  }

  private static <T extends Message> Stream<T> findAll(List<Message> details, Class<T> type) {
    return details.stream().filter(type::isInstance).map(type::cast);
  }

  private static ErrorReason toReason(String name) {
    var value = ErrorReason.getDescriptor().findValueByName(name);
    return value == null ? ErrorReason.ERROR_REASON_UNSPECIFIED : ErrorReason.valueOf(value);
  }
}
