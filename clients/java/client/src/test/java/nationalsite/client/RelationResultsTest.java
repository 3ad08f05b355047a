package nationalsite.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.Code;
import com.google.rpc.Status;
import nationalsite.ordersync.v1.OrderRelation;
import nationalsite.ordersync.v1.OrderRelationResult;
import nationalsite.ordersync.v1.WriteOrderRelationsRequest;
import nationalsite.ordersync.v1.WriteOrderRelationsResponse;
import org.junit.jupiter.api.Test;

class RelationResultsTest {
  private static final WriteOrderRelationsRequest REQUEST =
      WriteOrderRelationsRequest.newBuilder()
          .addRelations(OrderRelation.newBuilder().setNationalOrderId("1"))
          .addRelations(OrderRelation.newBuilder().setNationalOrderId("2"))
          .build();

  @Test
  void eachRelationHasItsResult() {
    var failed = Status.newBuilder().setCode(Code.FAILED_PRECONDITION_VALUE).setMessage("no");
    var response =
        WriteOrderRelationsResponse.newBuilder()
            .addResults(OrderRelationResult.getDefaultInstance())
            .addResults(OrderRelationResult.newBuilder().setStatus(failed))
            .build();
    var results = RelationResults.pair(REQUEST, response);
    assertEquals(REQUEST.getRelationsList(), results.stream().map(RelationResult::relation).toList());
    assertTrue(results.get(0).error().isEmpty());
    assertEquals("no", results.get(1).error().orElseThrow().message());
  }

  @Test
  void responseToAnotherRequestIsRejected() {
    var response = WriteOrderRelationsResponse.getDefaultInstance();
    assertThrows(IllegalArgumentException.class, () -> RelationResults.pair(REQUEST, response));
  }
}
