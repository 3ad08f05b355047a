"""The services as they are measured: as in production, which is what their defaults are."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from nationalsite.product.v1 import product_service_pb2 as protos

from benchmarks.calling import Target
from tools.stack import Running, start_service, stop

PRODUCT = protos.DESCRIPTOR.services_by_name["ProductService"].full_name
SEARCH = f"/{PRODUCT}/SearchByKeyword"
DIALECT = {"NATIONALSITE_DIALECT": "open-platform"}


@contextmanager
def service(
    name: str, gateway_url: str, settings: Mapping[str, str] | None = None, *, log: str = ""
) -> Iterator[Running]:
    """Run one in the open-platform dialect."""
    running = start_service(name, gateway_url, DIALECT | dict(settings or {}), log=log or f"bench-{name}")
    try:
        yield running
    finally:
        stop(running)


def search_request(page_size: int = 20) -> bytes:
    """Return the request of a search."""
    request = protos.SearchByKeywordRequest(keyword="dress", page_size=page_size, language="en")
    return request.SerializeToString()


def searching(running: Running, offers: int = 20) -> Target:
    """Return the search of a product service whose upstream answers with that many offers."""

    def right(answer: bytes) -> bool:
        found = protos.SearchByKeywordResponse.FromString(answer).offers
        return len(found) == offers and all(one.HasField("price_info") for one in found)

    return Target(
        pid=running.process.pid,
        address=running.address,
        method=SEARCH,
        request=search_request(offers),
        right=right,
    )
