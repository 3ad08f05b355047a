import java.time.Duration;
import nationalsite.client.Channels;
import nationalsite.client.Service;
import nationalsite.product.v1.ProductServiceGrpc;
import nationalsite.product.v1.SearchByKeywordRequest;

public final class Quickstart {
  public static void main(String[] args) {
    var address = System.getenv().getOrDefault("NATIONALSITE_PRODUCT", "127.0.0.1:50051");
    var channel = Channels.connect(address, Service.PRODUCT);
    var products = ProductServiceGrpc.newBlockingStub(channel).withDeadlineAfter(Duration.ofSeconds(5));
    var request = SearchByKeywordRequest.newBuilder().setKeyword("dress").setPageSize(3).setCountry("japan").build();
    for (var offer : products.searchByKeyword(request).getOffersList()) {
      System.out.println(offer.getOfferId() + " " + offer.getSubjectTrans());
    }
    channel.shutdown();
  }
}
