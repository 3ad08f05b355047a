"""Finds drift of 1688: makes a few reads, and compares the names in the responses with the protos.

Only names are kept, never values.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from google.protobuf.message import Message
from nationalsite.product.v1 import (
    GetCategoryRequest,
    GetFilterConfigRequest,
    GetProductDetailRequest,
    SearchByKeywordRequest,
    SearchByKeywordResponse,
)
from nationalsite.replay.v1 import QueryMessagesRequest

from services.adapter.cli.format import format_error
from services.adapter.codec import Json, MemberDifferences, Operation
from services.adapter.gateway import GatewayClient
from services.errors import NationalsiteError

TIMEOUT_S = 10.0
_SEARCH = "SearchByKeyword"
_COUNTRY = "japan"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """A read, and what its response shows."""

    operation: Operation
    differences: MemberDifferences | None = None
    """None if there is no response to compare."""
    problem: str = ""
    """Why the read failed."""
    skipped: str = ""
    """Why the read was not made."""


def _build_search(_: bytes) -> Message:
    return SearchByKeywordRequest(keyword="饼干", country=_COUNTRY)


def _build_detail(search: bytes) -> Message | None:
    offers = SearchByKeywordResponse.FromString(search).offers
    if not offers or not offers[0].offer_id:
        return None
    return GetProductDetailRequest(offer_id=offers[0].offer_id, country=_COUNTRY)


def _build_messages(_: bytes) -> Message:
    now = datetime.now(UTC).replace(microsecond=0)
    request = QueryMessagesRequest(page=1, page_size=20)
    request.create_start_time.FromDatetime(now - timedelta(days=1))
    request.create_end_time.FromDatetime(now)
    return request


_READS: Mapping[str, Callable[[bytes], Message | None]] = {
    _SEARCH: _build_search,
    "GetProductDetail": _build_detail,
    "GetFilterConfig": lambda _: GetFilterConfigRequest(country=_COUNTRY),
    "GetCategory": lambda _: GetCategoryRequest(),
    "QueryMessages": _build_messages,
}
"""By RPC: the request, made from the serialized response of the search. None: the search found no offer.

The other reads need a purchase order, and so would read data of a buyer.
"""


async def find_drift(
    gateway: GatewayClient, operations: Mapping[str, Operation], *, skip_reason: Callable[[Operation], str]
) -> list[ReadResult]:
    """Make the reads that the dialect has, one after the other.

    `skip_reason` returns why an operation must not be called; empty if it may be.
    """
    results: list[ReadResult] = []
    search = b""
    for rpc, build_request in _READS.items():
        if (operation := operations.get(rpc)) is None:
            continue
        request = build_request(search)
        skipped = skip_reason(operation) or ("" if request else "the search found no offer")
        if skipped or request is None:
            results.append(ReadResult(operation=operation, skipped=skipped))
            continue
        try:
            value = await _fetch(gateway, operation, request)
            response = operation.decode(value, request).response
            differences = operation.compare_members(value)
        except NationalsiteError as error:
            problem = format_error(error, gateway.secrets())
            results.append(ReadResult(operation=operation, problem=problem))
            continue
        if rpc == _SEARCH:
            search = response
        results.append(ReadResult(operation=operation, differences=differences))
    return results


async def _fetch(gateway: GatewayClient, operation: Operation, request: Message) -> Json:
    (parameters,) = operation.encode(request)
    response = await gateway.call(
        operation.api_id,
        parameters.form,
        files=parameters.files,
        anonymous=operation.anonymous,
        idempotent=True,
        deadline=asyncio.get_running_loop().time() + TIMEOUT_S,
    )
    return cast(Json, response.value)
