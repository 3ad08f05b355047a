package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import nationalsite.errors.v1.ErrorReason;
import nationalsite.errors.v1.Retry;
import nationalsite.product.v1.ProductServiceGrpc;
import nationalsite.product.v1.UploadImageRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorDetailsTest {
  private static final ErrorInfo INFO =
      ErrorInfo.newBuilder()
          .setReason("ERROR_REASON_UPSTREAM_REFUSED")
          .setDomain("nationalsite")
          .putMetadata("upstreamCode", "SP0056")
          .putMetadata("upstreamMessage", "商品不存在")
          .build();

  private FakeProductService server;
  private ManagedChannel channel;

  @BeforeEach
  void start() throws IOException {
    server = new FakeProductService();
    channel = Channels.connect(server.address(), Service.PRODUCT);
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.close();
  }

  @Test
  void allDetailsAreParsed() {
    var badRequest = BadRequest.newBuilder();
    badRequest.addFieldViolationsBuilder().setField("sort.order").setDescription("is required").setReason("REQUIRED");
    var delay = com.google.protobuf.Duration.newBuilder().setSeconds(1).setNanos(500_000_000);
    var retry = RetryInfo.newBuilder().setRetryDelay(delay).build();
    var unknown = Any.newBuilder().setTypeUrl("type.googleapis.com/nationalsite.Newer").build();
    var details =
        failAndParse(statusWith(Any.pack(INFO), unknown, Any.pack(badRequest.build()), Any.pack(retry)).toByteArray(), "1500");
    assertEquals(
        new ErrorDetails(
            Status.Code.UNAVAILABLE,
            "no: 不",
            ErrorReason.ERROR_REASON_UPSTREAM_REFUSED,
            "ERROR_REASON_UPSTREAM_REFUSED",
            Retry.RETRY_NEVER,
            Map.of("upstreamCode", "SP0056", "upstreamMessage", "商品不存在"),
            List.of(new ErrorDetails.FieldViolation("sort.order", "is required", "REQUIRED")),
            Optional.of(Duration.ofMillis(1500)),
            Optional.of(Duration.ofMillis(1500)),
            List.of(INFO, badRequest.build(), retry)),
        details);
  }

  @Test
  void newerReasonKeepsItsName() {
    var newer = INFO.toBuilder().setReason("ERROR_REASON_NEWER").build();
    var details = failAndParse(statusWith(Any.pack(newer)).toByteArray(), null);
    assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, details.reason());
    assertEquals("ERROR_REASON_NEWER", details.reasonName());
    assertEquals(Retry.RETRY_UNSPECIFIED, details.retry());
    assertEquals(Optional.empty(), details.pushback());
  }

  @ParameterizedTest
  @CsvSource({"-1", "soon"})
  void pushbackThatForbidsRetriesIsNegative(String pushback) {
    assertEquals(Optional.of(Duration.ofMillis(-1)), failAndParse(null, pushback).pushback());
  }

  @Test
  void invalidDetailsAreIgnored() {
    var bare = failAndParse(null, null);
    assertEquals("", bare.reasonName());
    assertEquals(bare, failAndParse(new byte[] {-1, -1}, null));
    var broken = Any.pack(INFO).toBuilder().setValue(ByteString.copyFromUtf8("\n\u007f"));
    assertEquals(bare, failAndParse(statusWith(broken.build()).toByteArray(), null));
  }

  @Test
  void causeOfAnExecutionExceptionIsParsed() {
    server.error = Status.NOT_FOUND.asRuntimeException();
    var call = ProductServiceGrpc.newFutureStub(channel).uploadImage(UploadImageRequest.getDefaultInstance());
    var error = assertThrows(ExecutionException.class, call::get);
    assertEquals(Status.Code.NOT_FOUND, ErrorDetails.from(error).code());
  }

  @Test
  void failedResultIsParsed() {
    assertEquals(Optional.empty(), ErrorDetails.fromStatus(com.google.rpc.Status.getDefaultInstance()));
    var details = ErrorDetails.fromStatus(statusWith(Any.pack(INFO))).orElseThrow();
    assertEquals(Status.Code.UNAVAILABLE, details.code());
    assertEquals("SP0056", details.metadata().get("upstreamCode"));
  }

  @Test
  void reasonBesideThatOfAProxyIsFound() {
    var proxy = Any.pack(INFO.toBuilder().setReason("UPSTREAM_RESET").setDomain("proxy.example").build());
    for (var status : List.of(statusWith(proxy, Any.pack(INFO)), statusWith(Any.pack(INFO), proxy))) {
      assertEquals(INFO.getReason(), ErrorDetails.fromStatus(status).orElseThrow().reasonName());
    }
  }

  /** Makes a call that fails with these trailers, and parses its error. */
  private ErrorDetails failAndParse(byte[] status, String pushback) {
    var trailers = new Metadata();
    if (status != null) {
      trailers.put(Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER), status);
    }
    if (pushback != null) {
      trailers.put(Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER), pushback);
    }
    server.error = Status.UNAVAILABLE.withDescription("no: 不").asRuntimeException(trailers);
    var stub = ProductServiceGrpc.newBlockingStub(channel).withDeadlineAfter(Duration.ofSeconds(20));
    return ErrorDetails.from(
        assertThrows(StatusRuntimeException.class, () -> stub.uploadImage(UploadImageRequest.getDefaultInstance())));
  }

  private static com.google.rpc.Status statusWith(Any... details) {
    var code = Status.Code.UNAVAILABLE.value();
    return com.google.rpc.Status.newBuilder().setCode(code).addAllDetails(List.of(details)).build();
  }
}
