"""A caller whose types mypy checks, in this checkout and with the installed wheel. It is not run."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import assert_type

import grpc
from nationalsite.ordersync import v1 as protos
from nationalsite.product.v1 import (
    ProductServiceStub,
    SearchByImageRequest,
    SearchByImageResponse,
    SearchByKeywordRequest,
    SearchByKeywordResponse,
)
from nationalsite_client import (
    ErrorDetails,
    call_with_retries,
    call_with_retries_async,
    connect,
    connect_async,
    decimal_to_money,
    iterate_pages,
    iterate_pages_async,
    money_to_text,
    pair_results,
    parse_error,
    wait_for_delivery,
    wait_for_delivery_async,
)


def call() -> None:
    """Call with stubs of grpc."""
    products = ProductServiceStub(connect("shop:1", "product"))
    request = SearchByKeywordRequest(keyword="dress")
    assert_type(call_with_retries(products.SearchByKeyword, request, timeout=5), SearchByKeywordResponse)
    assert_type(
        iterate_pages(products.SearchByKeyword, request, timeout=5), Iterator[SearchByKeywordResponse]
    )
    search = partial(call_with_retries, products.SearchByImage)
    for page in iterate_pages(search, SearchByImageRequest(), timeout=5):
        assert_type(page, SearchByImageResponse)
    orders = protos.OrderSyncServiceStub(connect("shop:2", "order_sync"))
    assert_type(wait_for_delivery(orders, "1", timeout=60), protos.Delivery)
    try:
        write = protos.WriteOrderRelationsRequest()
        pairs = pair_results(write, orders.WriteOrderRelations(write, timeout=5))
        assert_type(pairs, list[tuple[protos.OrderRelation, ErrorDetails | None]])
    except grpc.RpcError as error:
        assert_type(parse_error(error).may_repeat, bool)
    assert_type(money_to_text(decimal_to_money(1)), str)


async def call_async() -> None:
    """Call with stubs of grpc.aio."""
    products = ProductServiceStub(connect_async("shop:1", "product"))
    request = SearchByKeywordRequest(keyword="dress")
    response = await call_with_retries_async(products.SearchByKeyword, request, timeout=5)
    assert_type(response, SearchByKeywordResponse)
    pages = iterate_pages_async(products.SearchByKeyword, request, timeout=5)
    assert_type(pages, AsyncIterator[SearchByKeywordResponse])
    orders = protos.OrderSyncServiceStub(connect_async("shop:2", "order_sync"))
    assert_type(await wait_for_delivery_async(orders, "1", timeout=60), protos.Delivery)
