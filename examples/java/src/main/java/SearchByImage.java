import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import nationalsite.client.Channels;
import nationalsite.client.Monies;
import nationalsite.client.Service;
import nationalsite.product.v1.ProductServiceGrpc;
import nationalsite.product.v1.SearchByImageRequest;

/** Searches for offers that look like an image, the file in the argument. */
public final class SearchByImage {
  private static final Duration TIMEOUT = Duration.ofSeconds(15);

  public static void main(String[] args) throws IOException {
    var image = ByteString.copyFrom(Files.readAllBytes(Path.of(args[0])));
    var address = System.getenv().getOrDefault("NATIONALSITE_PRODUCT", "127.0.0.1:50051");
    var channel = Channels.connect(address, Service.PRODUCT);
    var products = ProductServiceGrpc.newBlockingStub(channel);

    var request = SearchByImageRequest.newBuilder().setImage(image).setPageSize(3).setCountry("japan").build();
    var response = products.withDeadlineAfter(TIMEOUT).searchByImage(request);
    for (var offer : response.getOffersList()) {
      var prices = offer.getPriceInfo();
      var price = prices.getPriceRange().getText(); // of a price that is not one number, such as 125-128
      if (price.isEmpty() && prices.hasPrice()) {
        price = Monies.toText(prices.getPrice());
      }
      System.out.println(offer.getOfferId() + " " + prices.getPrice().getCurrencyCode() + " " + price + " "
          + offer.getSubjectTrans());
    }

    // The page token also stands for the uploaded image.
    var nextRequest = request.toBuilder().clearImage().setPageToken(response.getNextPageToken()).build();
    System.out.println(products.withDeadlineAfter(TIMEOUT).searchByImage(nextRequest).getOffersCount() + " more");
    channel.shutdown();
  }
}
