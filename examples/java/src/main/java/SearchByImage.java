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
      var price = offer.getPriceInfo().getPrice();
      System.out.println(offer.getOfferId() + " " + price.getCurrencyCode() + " "
          + Monies.toDecimal(price).setScale(2) + " " + offer.getSubject());
    }

    // The id of the uploaded image is enough for the next page.
    var nextRequest = request.toBuilder().clearImage().setImageId(response.getImageId()).setBeginPage(2).build();
    System.out.println(products.withDeadlineAfter(TIMEOUT).searchByImage(nextRequest).getOffersCount() + " more");
    channel.shutdown();
  }
}
