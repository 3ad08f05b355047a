// The results of relations.
import type { OrderRelationResult } from "@nationalsite/protos/ordersync/v1";
import { type ErrorDetails, parseStatus } from "./errors.js";

/** A relation, and why it was not written. */
export interface RelationResult<Relation> {
  readonly relation: Relation;
  /** Undefined if 1688 accepted the relation. */
  readonly error: ErrorDetails | undefined;
}

/**
 * Pairs the relations of a request with their results: those of the response of WriteOrderRelations, or of a
 * finished delivery. Throws a RangeError if their numbers differ.
 */
export function pairResults<Relation>(
  { relations }: { readonly relations: readonly Relation[] },
  { results }: { readonly results: readonly OrderRelationResult[] },
): RelationResult<Relation>[] {
  if (results.length !== relations.length) {
    throw new RangeError(`${relations.length} relations have ${results.length} results`);
  }
  return relations.map((relation, index) => ({ relation, error: parseStatus(results[index]?.status) }));
}
