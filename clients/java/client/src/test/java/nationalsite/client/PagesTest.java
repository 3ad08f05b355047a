package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;
import nationalsite.product.v1.SearchByImageRequest;
import nationalsite.product.v1.SearchByImageResponse;
import org.junit.jupiter.api.Test;

class PagesTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final SearchByImageRequest REQUEST =
      SearchByImageRequest.newBuilder()
          .setImage(ByteString.copyFromUtf8("jpeg"))
          .setPage(2)
          .setCountry("japan")
          .build();

  private final List<SearchByImageRequest> requests = new ArrayList<>();

  @Test
  void pageTokenReplacesTheImageAndTheNumberOfThePage() {
    var pages = new ArrayList<String>();
    for (var page : Pages.iterate(this::search, REQUEST, TIMEOUT)) {
      pages.add(page.getNextPageToken());
    }
    assertEquals(List.of("1", "2", ""), pages);
    var following = SearchByImageRequest.newBuilder().setCountry("japan");
    assertEquals(
        List.of(REQUEST, following.setPageToken("1").build(), following.setPageToken("2").build()), requests);
  }

  @Test
  void pageIsReadWhenItIsNeeded() {
    var pages = Pages.iterate(this::search, REQUEST, TIMEOUT).iterator();
    assertEquals(0, requests.size());
    for (var read = 1; read <= 3; read++) {
      assertTrue(pages.hasNext());
      pages.next();
      assertEquals(read, requests.size());
    }
    assertThrows(NoSuchElementException.class, pages::next);
  }

  /** Returns one of three pages. */
  private SearchByImageResponse search(SearchByImageRequest request) {
    var remainingMs = Context.current().getDeadline().timeRemaining(TimeUnit.MILLISECONDS);
    assertTrue(remainingMs > 0 && remainingMs <= TIMEOUT.toMillis());
    requests.add(request);
    var isLast = requests.size() == 3;
    return SearchByImageResponse.newBuilder().setNextPageToken(isLast ? "" : "" + requests.size()).build();
  }
}
