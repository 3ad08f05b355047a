package nationalsite.client;

import java.util.Optional;
import nationalsite.ordersync.v1.OrderRelation;

/**
 * A relation of WriteOrderRelations with its result.
 *
 * @param error why the relation was not accepted; empty if 1688 accepted it
 */
public record RelationResult(OrderRelation relation, Optional<ErrorDetails> error) {}
