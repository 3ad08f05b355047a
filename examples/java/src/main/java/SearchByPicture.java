import com.google.protobuf.ByteString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import nationalsite.client.Amounts;
import nationalsite.client.Channels;
import nationalsite.client.Service;
import nationalsite.product.v1.ProductServiceGrpc;
import nationalsite.product.v1.SearchByImageRequest;

/** Searches offers that look like a picture, the file that is named. */
public final class SearchByPicture {
  private static final Duration WITHIN = Duration.ofSeconds(15);

  public static void main(String[] args) throws IOException {
    var picture = ByteString.copyFrom(Files.readAllBytes(Path.of(args[0])));
    var address = System.getenv().getOrDefault("NATIONALSITE_PRODUCT", "127.0.0.1:50051");
    var channel = Channels.connect(address, Service.PRODUCT);
    var products = ProductServiceGrpc.newBlockingStub(channel);

    var search = SearchByImageRequest.newBuilder().setImage(picture).setPageSize(3).setCountry("japan").build();
    var found = products.withDeadlineAfter(WITHIN).searchByImage(search);
    for (var offer : found.getOffersList()) {
      var price = offer.getPriceInfo().getPrice();
      System.out.println(offer.getOfferId() + " " + price.getCurrencyCode() + " "
          + Amounts.decimalOf(price).setScale(2) + " " + offer.getSubject());
    }

    // The next page needs no second upload.
    var next = search.toBuilder().clearImage().setImageId(found.getImageId()).setBeginPage(2).build();
    System.out.println(products.withDeadlineAfter(WITHIN).searchByImage(next).getOffersCount() + " more");
    channel.shutdown();
  }
}
