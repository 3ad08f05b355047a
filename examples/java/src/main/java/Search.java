import io.grpc.StatusRuntimeException;
import java.time.Duration;
import nationalsite.client.Channels;
import nationalsite.client.ErrorDetails;
import nationalsite.client.Monies;
import nationalsite.client.Service;
import nationalsite.errors.v1.ErrorReason;
import nationalsite.product.v1.ProductServiceGrpc;
import nationalsite.product.v1.ProductServiceGrpc.ProductServiceBlockingStub;
import nationalsite.product.v1.SearchByKeywordRequest;

/** Searches for offers, and handles an error by its reason. */
public final class Search {
  public static void main(String[] args) {
    var address = System.getenv().getOrDefault("NATIONALSITE_PRODUCT", "127.0.0.1:50051");
    var channel = Channels.connect(address, Service.PRODUCT);
    var products = ProductServiceGrpc.newBlockingStub(channel);
    search(products, "dress");
    search(products, "dress".repeat(101)); // keyword: ...
    channel.shutdown();
  }

  // [snippet search]
  /** Prints offers, or the request fields that are invalid. */
  private static void search(ProductServiceBlockingStub products, String keyword) {
    var request = SearchByKeywordRequest.newBuilder().setKeyword(keyword).setPageSize(3).setCountry("japan").build();
    try {
      for (var offer : products.withDeadlineAfter(Duration.ofSeconds(5)).searchByKeyword(request).getOffersList()) {
        var prices = offer.getPriceInfo();
        var price = prices.getPriceRange().getText(); // of a price that is not one number, such as 125-128
        if (price.isEmpty() && prices.hasPrice()) {
          price = Monies.toText(prices.getPrice());
        }
        System.out.println(offer.getOfferId() + " " + prices.getPrice().getCurrencyCode() + " " + price + " "
            + offer.getSubjectTrans());
      }
    } catch (StatusRuntimeException error) {
      var details = ErrorDetails.from(error);
      if (details.reason() != ErrorReason.ERROR_REASON_INVALID_REQUEST) {
        throw error;
      }
      details.fieldViolations().forEach(field -> System.out.println(field.field() + ": " + field.description()));
    }
  }
  // [/snippet]
}
