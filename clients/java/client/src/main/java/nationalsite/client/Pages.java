package nationalsite.client;

import com.google.protobuf.Message;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.function.Function;

/** The pages of lists and searches. */
public final class Pages {
  /** Fields of a request that a page token stands for: the image of a search, and the number of the page. */
  private static final List<String> REPLACED_BY_TOKEN = List.of("image", "page");

  private Pages() {}

  /**
   * Returns the pages of a list or a search, from the one that the request is for.
   *
   * <p>Each page is read when it is needed. The image of a search is sent once: the page token stands for it.
   * An iteration that begins again reads the pages again.
   *
   * @param method a method of a blocking stub, such as {@code products::searchByKeyword}
   * @param timeout for each page
   */
  public static <Q extends Message, R extends Message> Iterable<R> iterate(
      Function<Q, R> method, Q request, Duration timeout) {
    return () -> new PageIterator<>(method, request, timeout);
  }

  private static final class PageIterator<Q extends Message, R extends Message> implements Iterator<R> {
    private final Function<Q, R> method;
    private final Duration timeout;
    /** The request for the next page; null after the last page. */
    private Q request;

    PageIterator(Function<Q, R> method, Q request, Duration timeout) {
      this.method = method;
      this.request = request;
      this.timeout = timeout;
    }

    @Override
    public boolean hasNext() {
      return request != null;
    }

    @Override
    public R next() {
      if (request == null) {
        throw new NoSuchElementException();
      }
      var page = Calls.call(method, request, timeout);
      var token = (String) page.getField(page.getDescriptorForType().findFieldByName("next_page_token"));
      request = token.isEmpty() ? null : buildNextRequest(request, token);
      return page;
    }

    @SuppressWarnings("unchecked") // the builder of a request builds a request of the same type
    private static <Q extends Message> Q buildNextRequest(Q request, String pageToken) {
      var next = request.toBuilder();
      var type = request.getDescriptorForType();
      var replaced = REPLACED_BY_TOKEN.stream().map(type::findFieldByName).filter(Objects::nonNull);
      replaced.forEach(next::clearField);
      return (Q) next.setField(type.findFieldByName("page_token"), pageToken).build();
    }
  }
}
