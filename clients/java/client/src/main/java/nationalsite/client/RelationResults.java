package nationalsite.client;

import java.util.List;
import java.util.stream.IntStream;
import nationalsite.ordersync.v1.WriteOrderRelationsRequest;
import nationalsite.ordersync.v1.WriteOrderRelationsResponse;

/** The results of WriteOrderRelations. */
public final class RelationResults {
  private RelationResults() {}

  /**
   * Returns each relation of a request with its result.
   *
   * @throws IllegalArgumentException if the response is not one to this request
   */
  public static List<RelationResult> pair(
      WriteOrderRelationsRequest request, WriteOrderRelationsResponse response) {
    if (request.getRelationsCount() != response.getResultsCount()) {
      throw new IllegalArgumentException(
          response.getResultsCount() + " results of " + request.getRelationsCount() + " relations");
    }
    return IntStream.range(0, request.getRelationsCount())
        .mapToObj(index -> pair(request, response, index))
        .toList();
  }

  private static RelationResult pair(
      WriteOrderRelationsRequest request, WriteOrderRelationsResponse response, int index) {
    var status = response.getResults(index).getStatus();
    return new RelationResult(request.getRelations(index), ErrorDetails.fromStatus(status));
  }
}
