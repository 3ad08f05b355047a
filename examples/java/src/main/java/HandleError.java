import io.grpc.StatusRuntimeException;
import java.time.Duration;
import nationalsite.client.Amounts;
import nationalsite.client.Channels;
import nationalsite.client.Failure;
import nationalsite.client.Service;
import nationalsite.errors.v1.ErrorReason;
import nationalsite.product.v1.GetProductDetailRequest;
import nationalsite.product.v1.ProductServiceGrpc;
import nationalsite.product.v1.SearchByKeywordRequest;

/** Searches, and handles what goes wrong by its reason. */
public final class HandleError {
  public static void main(String[] args) {
    var address = System.getenv().getOrDefault("NATIONALSITE_PRODUCT", "127.0.0.1:50051");
    var channel = Channels.connect(address, Service.PRODUCT);
    var products = ProductServiceGrpc.newBlockingStub(channel);
    var within = Duration.ofSeconds(5);

    var search = SearchByKeywordRequest.newBuilder().setKeyword("dress").setPageSize(3).setCountry("japan").build();
    for (var offer : products.withDeadlineAfter(within).searchByKeyword(search).getOffersList()) {
      var price = offer.getPriceInfo().getPrice();
      System.out.println(offer.getOfferId() + " " + price.getCurrencyCode() + " "
          + Amounts.decimalOf(price).setScale(2) + " " + offer.getSubject());
    }

    try {
      products.withDeadlineAfter(within).getProductDetail(GetProductDetailRequest.newBuilder().setOfferId(1).build());
    } catch (StatusRuntimeException error) {
      var told = Failure.of(error);
      if (told.reason() != ErrorReason.ERROR_REASON_OFFER_NOT_FOUND) {
        throw error;
      }
      System.out.println(told.status() + " " + told.reason()); // NOT_FOUND ERROR_REASON_OFFER_NOT_FOUND
    }

    try {
      products.withDeadlineAfter(within).searchByKeyword(search.toBuilder().setPageSize(51).build());
    } catch (StatusRuntimeException error) {
      for (var violation : Failure.of(error).violations()) {
        System.out.println(violation.field() + ": " + violation.description());
      }
    }
    channel.shutdown();
  }
}
