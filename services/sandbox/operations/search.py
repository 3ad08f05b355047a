"""Searches for products, by keyword and by image."""

import asyncio
import re
from typing import Any

from services.sandbox.catalog.catalog import Catalog
from services.sandbox.catalog.image_similarity import Region, UploadedImage, load_offer_image
from services.sandbox.catalog.search import filter_offers, paginate
from services.sandbox.context import SandboxContext
from services.sandbox.http import envelopes
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import NO_PAYLOAD, InvalidArgument
from services.sandbox.http.operation import DialectSpec
from services.sandbox.operations.registry import operation
from services.sandbox.operations.schemas.search_query import parse_query
from services.sandbox.operations.serializers.formatting import build_locale
from services.sandbox.operations.serializers.search_results import (
    serialize_image_result,
    serialize_keyword_result,
    serialize_page,
    serialize_regions,
)

_COMMON_ARGUMENTS = frozenset(
    {
        "categoryId",
        "beginPage",
        "pageSize",
        "filter",
        "sort",
        "priceStart",
        "priceEnd",
        "outMemberId",
        "country",
    }
)
_REGION = re.compile(r"\d{1,6}(,\d{1,6}){3}")
_IMAGE_PATH = re.compile(r"/images/(\d{1,20})/(\d{1,4})\.jpg")


@operation(
    "product.search.keywordQuery",
    DialectSpec(
        dialect=Dialect.OPEN_PLATFORM,
        envelope=envelopes.NESTED,
        wrapper="offerQueryParam",
        required=("keyword", "beginPage", "pageSize", "country"),
    ),
    DialectSpec(
        dialect=Dialect.NATIONAL_SITE,
        envelope=envelopes.FLAT,
        discriminators=_COMMON_ARGUMENTS | {"keyword"},
    ),
)
async def search_by_keyword(context: SandboxContext, arguments: Arguments) -> Any:
    """Return a page of the offers that match a keyword."""
    query = parse_query(arguments)
    offers = context.keyword_index.find(arguments.string("keyword") or "")
    page = paginate(filter_offers(offers, query), query)
    return serialize_page(page, arguments.dialect, build_locale(arguments), serialize_keyword_result)


@operation(
    "product.search.imageQuery",
    DialectSpec(
        dialect=Dialect.OPEN_PLATFORM,
        envelope=envelopes.NESTED_TEXT,
        wrapper="offerQueryParam",
        # The document requires imageId, but imageAddress may replace it.
        required=("beginPage", "pageSize", "country"),
    ),
    DialectSpec(
        dialect=Dialect.NATIONAL_SITE,
        envelope=envelopes.FLAT,
        discriminators=_COMMON_ARGUMENTS | {"imageId", "imageAddress"},
    ),
)
async def search_by_image(context: SandboxContext, arguments: Arguments) -> Any:
    """Return a page of the offers, the most similar to an image first."""
    query = parse_query(arguments)
    image = _find_image(context, arguments)
    if image is None:
        return NO_PAYLOAD
    region = _parse_region(arguments, image)
    offers = await asyncio.to_thread(context.image_index.rank, image, region)
    if keyword := arguments.string("keyword"):
        matches = set(context.keyword_index.find(keyword))
        offers = [offer for offer in offers if offer in matches]
    page = paginate(filter_offers(offers, query), query)
    payload = serialize_page(page, arguments.dialect, build_locale(arguments), serialize_image_result)
    if arguments.dialect is Dialect.OPEN_PLATFORM:
        payload["picRegionInfo"] = serialize_regions(image, region)
    return payload


def _find_image(context: SandboxContext, arguments: Arguments) -> UploadedImage | None:
    image_id, address = arguments.string("imageId"), arguments.string("imageAddress")
    if image_id:
        return context.state.uploaded_images.find(image_id)
    if address:
        return _load_image(context.catalog, address, arguments.host)
    raise InvalidArgument("imageId")


def _load_image(catalog: Catalog, address: str, host: str) -> UploadedImage | None:
    """Return the image at an address of the sandbox. For other addresses: None, and nothing is fetched."""
    path = _IMAGE_PATH.fullmatch(address.removeprefix(f"http://{host}"))
    offer = catalog.find(int(path[1])) if path else None
    return load_offer_image(offer, int(path[2])) if path and offer else None


def _parse_region(arguments: Arguments, image: UploadedImage) -> Region | None:
    """Return the region to search for: left, right, top, bottom in pixels of the image."""
    text = arguments.string("region")
    if not text:
        return None
    if not _REGION.fullmatch(text):
        raise InvalidArgument("region")
    left, right, top, bottom = map(int, text.split(","))
    right, bottom = min(right, image.width), min(bottom, image.height)
    # A region outside the image is ignored.
    return (left, right, top, bottom) if left < right and top < bottom else None
