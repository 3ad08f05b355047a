"""The pages of lists and searches."""

from functools import partial
from pathlib import Path

import grpc
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite.product.v1 import ProductServiceStub, SearchByImageRequest, SearchByKeywordRequest
from nationalsite_client import (
    call_with_retries,
    connect,
    connect_async,
    iterate_pages,
    iterate_pages_async,
    pair_results,
)

from tests.clients.conftest import TIMEOUT_S
from tests.clients.order_sync_server import OrderSyncServer

IMAGE = (Path(__file__).resolve().parents[2] / "examples" / "image.jpg").read_bytes()
"""An image of an offer of the sandbox."""


def test_all_pages_are_different(product) -> None:
    request = SearchByKeywordRequest(keyword="dress", page_size=50, country="japan")
    unchanged = SearchByKeywordRequest.FromString(request.SerializeToString())
    with connect(product.address, "product") as channel:
        pages = list(iterate_pages(ProductServiceStub(channel).SearchByKeyword, request, timeout=TIMEOUT_S))
    ids = [offer.offer_id for page in pages for offer in page.offers]
    assert len(pages) > 2
    assert len(ids) == len(set(ids)) == pages[0].total_size
    assert request == unchanged


async def test_pages_of_asyncio(product) -> None:
    request = SearchByKeywordRequest(keyword="dress", page_size=50, country="japan")
    async with connect_async(product.address, "product") as channel:
        products = ProductServiceStub(channel)
        pages = [
            page async for page in iterate_pages_async(products.SearchByKeyword, request, timeout=TIMEOUT_S)
        ]
    assert sum(len(page.offers) for page in pages) == pages[0].total_size


def test_image_is_uploaded_once(product, sandbox) -> None:
    request = SearchByImageRequest(image=IMAGE, page_size=5, country="japan")
    sandbox.admin("DELETE", "calls")
    with connect(product.address, "product") as channel:
        pages = iterate_pages(ProductServiceStub(channel).SearchByImage, request, timeout=TIMEOUT_S)
        ids = [offer.offer_id for _, page in zip(range(3), pages, strict=False) for offer in page.offers]
    assert len(set(ids)) == 15
    operations = [call["path"].split("/")[-2] for call in sandbox.calls()]
    assert operations.count("product.image.upload") == 1
    assert request.image == IMAGE


def test_from_a_numbered_page(product) -> None:
    request = SearchByKeywordRequest(keyword="dress", page_size=5, page=2, country="japan")
    with connect(product.address, "product") as channel:
        search = ProductServiceStub(channel).SearchByKeyword
        third = search(
            SearchByKeywordRequest(keyword="dress", page_size=5, page=3, country="japan"), timeout=TIMEOUT_S
        )
        _, following = zip(range(2), iterate_pages(search, request, timeout=TIMEOUT_S), strict=False)
    assert following[1].offers == third.offers


def test_pages_with_retries() -> None:
    overloaded = {
        "code": "RESOURCE_EXHAUSTED",
        "reason": "ERROR_REASON_OVERLOADED",
        "retry_delay_ms": 1,
        "pushback_ms": -1,
    }
    first, last = protos.ListDeliveriesResponse(next_page_token="2"), protos.ListDeliveriesResponse()
    server = OrderSyncServer({"ListDeliveries": [first, overloaded, last]})
    with server.start() as address, grpc.insecure_channel(address) as channel:
        list_deliveries = partial(call_with_retries, OrderSyncServiceStub(channel).ListDeliveries)
        request = protos.ListDeliveriesRequest(page_size=7)
        pages = list(iterate_pages(list_deliveries, request, timeout=TIMEOUT_S))
    assert pages == [first, last]
    received = [(call.request.page_size, call.request.page_token) for call in server.calls]
    assert received == [(7, ""), (7, "2"), (7, "2")]


def test_results_are_paired_with_their_relations() -> None:
    request = protos.WriteOrderRelationsRequest(
        relations=[protos.OrderRelation(national_order_id=national_id) for national_id in ("1", "2")]
    )
    results = [protos.OrderRelationResult(), protos.OrderRelationResult(status={"code": 9, "message": "no"})]
    response = protos.WriteOrderRelationsResponse(results=results)
    (first, no_error), (second, error) = pair_results(request, response)
    assert (first.national_order_id, no_error) == ("1", None)
    assert (second.national_order_id, error.message) == ("2", "no")
