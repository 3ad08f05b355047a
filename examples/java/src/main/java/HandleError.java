import io.grpc.StatusRuntimeException;
import java.time.Duration;
import nationalsite.client.Channels;
import nationalsite.client.ErrorDetails;
import nationalsite.client.Service;
import nationalsite.errors.v1.ErrorReason;
import nationalsite.product.v1.GetProductDetailRequest;
import nationalsite.product.v1.ProductServiceGrpc;
import nationalsite.product.v1.SearchByKeywordRequest;

/** Makes calls that fail, and handles the errors by their reason. */
public final class HandleError {
  public static void main(String[] args) {
    var address = System.getenv().getOrDefault("NATIONALSITE_PRODUCT", "127.0.0.1:50051");
    var channel = Channels.connect(address, Service.PRODUCT);
    var products = ProductServiceGrpc.newBlockingStub(channel);
    var timeout = Duration.ofSeconds(5);

    // [snippet handle]
    try {
      products.withDeadlineAfter(timeout).getProductDetail(GetProductDetailRequest.newBuilder().setOfferId(1).build());
    } catch (StatusRuntimeException error) {
      var details = ErrorDetails.from(error);
      if (details.reason() != ErrorReason.ERROR_REASON_OFFER_NOT_FOUND) {
        throw error;
      }
      System.out.println(details.code() + " " + details.reason()); // NOT_FOUND ERROR_REASON_OFFER_NOT_FOUND
    }

    var invalidRequest = SearchByKeywordRequest.newBuilder().setKeyword("dress").setPageSize(-1).build();
    try {
      products.withDeadlineAfter(timeout).searchByKeyword(invalidRequest);
    } catch (StatusRuntimeException error) {
      for (var violation : ErrorDetails.from(error).fieldViolations()) {
        System.out.println(violation.field() + ": " + violation.description());
      }
    }
    // [/snippet]
    channel.shutdown();
  }
}
