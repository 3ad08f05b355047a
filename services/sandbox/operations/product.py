"""Products: image upload, detail, categories, and the filters of searches."""

import asyncio
import base64
from typing import Any

from services.sandbox.context import SandboxContext
from services.sandbox.http import envelopes
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import NO_PAYLOAD, BusinessError
from services.sandbox.http.operation import DialectSpec
from services.sandbox.operations.registry import operation
from services.sandbox.operations.serializers.category import serialize_category
from services.sandbox.operations.serializers.filter_config import FILTER_CONFIG
from services.sandbox.operations.serializers.formatting import build_locale
from services.sandbox.operations.serializers.product_detail_national_site import (
    serialize_national_site_detail,
)
from services.sandbox.operations.serializers.product_detail_open_platform import (
    serialize_open_platform_detail,
)


@operation(
    "product.image.upload",
    DialectSpec(
        dialect=Dialect.OPEN_PLATFORM,
        envelope=envelopes.NESTED_TEXT,
        wrapper="uploadImageParam",
        required=("imageBase64",),
    ),
    DialectSpec(
        dialect=Dialect.NATIONAL_SITE,
        envelope=envelopes.FLAT,
        discriminators=frozenset({"imageBase64", "outMemberId"}),
    ),
)
async def upload_image(context: SandboxContext, arguments: Arguments) -> Any:
    """Store an image and return its id; "0" if it cannot be read, although the call succeeds."""
    try:
        content = base64.b64decode(arguments.string("imageBase64") or "", validate=True)
    except ValueError:
        return "0"
    return await asyncio.to_thread(context.state.uploaded_images.save, content) or "0"


@operation(
    "product.search.queryProductDetail",
    DialectSpec(
        dialect=Dialect.OPEN_PLATFORM,
        envelope=envelopes.NESTED,
        wrapper="offerDetailParam",
        required=("offerId", "country"),
    ),
    DialectSpec(
        dialect=Dialect.NATIONAL_SITE,
        envelope=envelopes.FLAT,
        discriminators=frozenset({"offerId", "outMemberId", "country"}),
    ),
)
async def query_product_detail(context: SandboxContext, arguments: Arguments) -> Any:
    """Return one offer in full."""
    offer_id = arguments.integer("offerId")
    offer = None if offer_id is None else context.catalog.find(offer_id)
    locale = build_locale(arguments)
    if arguments.dialect is Dialect.NATIONAL_SITE:
        return serialize_national_site_detail(offer, locale) if offer else NO_PAYLOAD
    if offer is None:
        raise BusinessError("SP0056", "商品不存在")
    return serialize_open_platform_detail(offer, locale)


@operation(
    "product.filterData.queryConfig",
    DialectSpec(dialect=Dialect.NATIONAL_SITE, envelope=envelopes.NO_ENVELOPE),
)
async def query_filter_config(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the filters and sort orders that searches accept."""
    return FILTER_CONFIG


@operation(
    "alibaba.category.get",
    DialectSpec(dialect=Dialect.BOTH, envelope=envelopes.CATEGORY, required=("categoryID",)),
    namespace="com.alibaba.product",
    requires_token=False,
)
async def get_category(context: SandboxContext, arguments: Arguments) -> Any:
    """Return one category with its children; 0 is the root. For an unknown id the list is empty."""
    category_id = arguments.integer("categoryID")
    category = None if category_id is None else serialize_category(category_id)
    return [] if category is None else [category]
