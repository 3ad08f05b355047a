"""The results of WriteOrderRelations, with the relations that they are about."""

from nationalsite.ordersync import v1 as protos

from nationalsite_client.errors import ErrorDetails, parse_status


def pair_results(
    request: protos.WriteOrderRelationsRequest, response: protos.WriteOrderRelationsResponse
) -> list[tuple[protos.OrderRelation, ErrorDetails | None]]:
    """Return each relation with its error, None if 1688 accepted the relation.

    Raises ValueError if the response is not one to this request.
    """
    statuses = (result.status for result in response.results)
    return [
        (relation, parse_status(status)) for relation, status in zip(request.relations, statuses, strict=True)
    ]
