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
import nationalsite.product.v1.ProductServiceGrpc;
import nationalsite.product.v1.UploadImageRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FailureTest {
  private static final ErrorInfo INFO =
      ErrorInfo.newBuilder()
          .setReason("ERROR_REASON_UPSTREAM_REFUSED")
          .setDomain("nationalsite")
          .putMetadata("code", "SP0056")
          .putMetadata("message", "商品不存在")
          .build();

  private Products server;
  private ManagedChannel channel;

  @BeforeEach
  void start() throws IOException {
    server = new Products();
    channel = Channels.connect(server.address(), Service.PRODUCT);
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.close();
  }

  @Test
  void everythingThatWasSentIsTold() {
    var badRequest = BadRequest.newBuilder();
    badRequest.addFieldViolationsBuilder().setField("sort.order").setDescription("is required");
    var delay = com.google.protobuf.Duration.newBuilder().setSeconds(1).setNanos(500_000_000);
    var retry = RetryInfo.newBuilder().setRetryDelay(delay).build();
    var unknown = Any.newBuilder().setTypeUrl("type.googleapis.com/nationalsite.Later").build();
    var told =
        told(rich(Any.pack(INFO), unknown, Any.pack(badRequest.build()), Any.pack(retry)).toByteArray(), "1500");
    assertEquals(
        new Failure(
            Status.Code.UNAVAILABLE,
            "no: 不",
            ErrorReason.ERROR_REASON_UPSTREAM_REFUSED,
            "ERROR_REASON_UPSTREAM_REFUSED",
            Map.of("code", "SP0056", "message", "商品不存在"),
            List.of(new Failure.Violation("sort.order", "is required")),
            Optional.of(Duration.ofMillis(1500)),
            Optional.of(Duration.ofMillis(1500)),
            List.of(INFO, badRequest.build(), retry)),
        told);
  }

  @Test
  void aReasonThatIsNewerThanTheStubsKeepsItsName() {
    var later = INFO.toBuilder().setReason("ERROR_REASON_LATER").build();
    var told = told(rich(Any.pack(later)).toByteArray(), null);
    assertEquals(ErrorReason.ERROR_REASON_UNSPECIFIED, told.reason());
    assertEquals("ERROR_REASON_LATER", told.reasonName());
    assertEquals(Optional.empty(), told.pushback());
  }

  @ParameterizedTest
  @CsvSource({"-1", "soon"})
  void aPushbackThatForbidsIsNegative(String pushback) {
    assertEquals(Optional.of(Duration.ofMillis(-1)), told(null, pushback).pushback());
  }

  @Test
  void detailsThatAreNoneAreNoFailureOfTheirOwn() {
    var bare = told(null, null);
    assertEquals("", bare.reasonName());
    assertEquals(bare, told(new byte[] {-1, -1}, null));
    var broken = Any.pack(INFO).toBuilder().setValue(ByteString.copyFromUtf8("\n\u007f"));
    assertEquals(bare, told(rich(broken.build()).toByteArray(), null));
  }

  @Test
  void aFutureSFailureIsItsCause() {
    server.failure = Status.NOT_FOUND.asRuntimeException();
    var call = ProductServiceGrpc.newFutureStub(channel).uploadImage(UploadImageRequest.getDefaultInstance());
    var error = assertThrows(ExecutionException.class, call::get);
    assertEquals(Status.Code.NOT_FOUND, Failure.of(error).status());
  }

  @Test
  void oneOfManyResultsTellsTheSame() {
    assertEquals(Optional.empty(), Failure.ofResult(com.google.rpc.Status.getDefaultInstance()));
    var told = Failure.ofResult(rich(Any.pack(INFO))).orElseThrow();
    assertEquals(Status.Code.UNAVAILABLE, told.status());
    assertEquals("SP0056", told.info().get("code"));
  }

  /** What is told of a call that a server ends with these trailers. */
  private Failure told(byte[] details, String pushback) {
    var trailers = new Metadata();
    if (details != null) {
      trailers.put(Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER), details);
    }
    if (pushback != null) {
      trailers.put(Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER), pushback);
    }
    server.failure = Status.UNAVAILABLE.withDescription("no: 不").asRuntimeException(trailers);
    var stub = ProductServiceGrpc.newBlockingStub(channel).withDeadlineAfter(Duration.ofSeconds(20));
    return Failure.of(
        assertThrows(StatusRuntimeException.class, () -> stub.uploadImage(UploadImageRequest.getDefaultInstance())));
  }

  private static com.google.rpc.Status rich(Any... details) {
    var code = Status.Code.UNAVAILABLE.value();
    return com.google.rpc.Status.newBuilder().setCode(code).addAllDetails(List.of(details)).build();
  }
}
