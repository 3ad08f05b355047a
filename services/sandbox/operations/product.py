"""The operations on products: searches, picture upload, detail, categories, filters."""

import asyncio
import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from services.sandbox.catalog.catalog import Catalogue
from services.sandbox.catalog.image_similarity import Looks, Region, Upload, own_picture
from services.sandbox.catalog.keyword_index import KeywordIndex
from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.search import Page, narrow, page_of
from services.sandbox.http import envelopes
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import ABSENT, BadArgument, Refused
from services.sandbox.http.operation import CROSS_BORDER, Arguments, Operation, Shape
from services.sandbox.operations.schemas.search_query import query_of
from services.sandbox.operations.serializers.category import category_row
from services.sandbox.operations.serializers.filter_config import FILTER_CONFIG
from services.sandbox.operations.serializers.formatting import View
from services.sandbox.operations.serializers.product_detail_national_site import national_detail
from services.sandbox.operations.serializers.product_detail_open_platform import open_detail
from services.sandbox.operations.serializers.search_results import Row, image_row, keyword_row, national_row
from services.sandbox.state import State

LANGUAGE_OF_COUNTRY = {"japan": "ja", "vietnam": "vi"}
_SEARCH_MEMBERS = frozenset(
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
_PICTURE_PATH = re.compile(r"/pictures/(\d{1,20})/(\d{1,4})\.jpg")


class ProductOperations:
    """Handlers over the catalogue, and their rows for the table of operations."""

    def __init__(self, catalogue: Catalogue, state: State) -> None:
        self._catalogue = catalogue
        self._keywords = KeywordIndex(catalogue)
        self._looks = Looks(catalogue)
        self._state = state

    def table(self) -> tuple[Operation, ...]:
        """Every operation on products."""
        return (
            Operation(
                namespace=CROSS_BORDER,
                name="product.search.keywordQuery",
                handler=self.keyword_query,
                shapes=(
                    Shape(
                        dialect=Dialect.OPEN_PLATFORM,
                        envelope=envelopes.NESTED,
                        wrapper="offerQueryParam",
                        required=("keyword", "beginPage", "pageSize", "country"),
                    ),
                    _national(_SEARCH_MEMBERS | {"keyword"}),
                ),
            ),
            Operation(
                namespace=CROSS_BORDER,
                name="product.search.imageQuery",
                handler=self.image_query,
                shapes=(
                    Shape(
                        dialect=Dialect.OPEN_PLATFORM,
                        envelope=envelopes.NESTED_TEXT,
                        wrapper="offerQueryParam",
                        # imageId is documented as required, but imageAddress may stand in for it.
                        required=("beginPage", "pageSize", "country"),
                    ),
                    _national(_SEARCH_MEMBERS | {"imageId", "imageAddress"}),
                ),
            ),
            Operation(
                namespace=CROSS_BORDER,
                name="product.image.upload",
                handler=self.image_upload,
                shapes=(
                    Shape(
                        dialect=Dialect.OPEN_PLATFORM,
                        envelope=envelopes.NESTED_TEXT,
                        wrapper="uploadImageParam",
                        required=("imageBase64",),
                    ),
                    _national({"imageBase64", "outMemberId"}),
                ),
            ),
            Operation(
                namespace=CROSS_BORDER,
                name="product.search.queryProductDetail",
                handler=self.product_detail,
                shapes=(
                    Shape(
                        dialect=Dialect.OPEN_PLATFORM,
                        envelope=envelopes.NESTED,
                        wrapper="offerDetailParam",
                        required=("offerId", "country"),
                    ),
                    _national({"offerId", "outMemberId", "country"}),
                ),
            ),
            Operation(
                namespace=CROSS_BORDER,
                name="product.filterData.queryConfig",
                handler=self.filter_config,
                shapes=(Shape(dialect=Dialect.NATIONAL_SITE, envelope=envelopes.BARE),),
            ),
            Operation(
                namespace="com.alibaba.product",
                name="alibaba.category.get",
                handler=self.category,
                needs_token=False,
                shapes=(
                    Shape(dialect=Dialect.EITHER, envelope=envelopes.CATEGORY, required=("categoryID",)),
                ),
            ),
        )

    async def keyword_query(self, arguments: Arguments) -> Any:
        """Offers by words."""
        query = query_of(arguments)
        found = self._keywords.find(arguments.text("keyword") or "")
        return _search_answer(page_of(narrow(found, query), query), arguments, keyword_row)

    async def image_query(self, arguments: Arguments) -> Any:
        """Offers by likeness to a picture."""
        query = query_of(arguments)
        image_id, address = arguments.text("imageId"), arguments.text("imageAddress")
        if image_id:
            upload = self._state.uploads.find(image_id)
        elif address:
            upload = self._own_picture(address, arguments.host)
        else:
            raise BadArgument("imageId")
        if upload is None:
            return ABSENT
        region = _region(arguments, upload)
        ranked = await asyncio.to_thread(self._looks.rank, upload, region)
        if words := arguments.text("keyword"):
            matching = set(self._keywords.find(words))
            ranked = [offer for offer in ranked if offer in matching]
        answer = _search_answer(page_of(narrow(ranked, query), query), arguments, image_row)
        if arguments.dialect is Dialect.OPEN_PLATFORM:
            answer["picRegionInfo"] = _regions(upload, region)
        return answer

    async def image_upload(self, arguments: Arguments) -> Any:
        """The id of an uploaded picture; "0" if it cannot be read, although the call succeeds."""
        try:
            content = base64.b64decode(arguments.text("imageBase64") or "", validate=True)
        except ValueError:
            return "0"
        return await asyncio.to_thread(self._state.uploads.keep, content) or "0"

    async def product_detail(self, arguments: Arguments) -> Any:
        """One offer."""
        offer_id = arguments.integer("offerId")
        offer = None if offer_id is None else self._catalogue.find(offer_id)
        view = _view(arguments)
        if arguments.dialect is Dialect.NATIONAL_SITE:
            return national_detail(offer, view) if offer else ABSENT
        if offer is None:
            raise Refused("SP0056", "商品不存在")
        return open_detail(offer, view)

    async def filter_config(self, arguments: Arguments) -> Any:
        """The filters and sorts that a search offers."""
        return FILTER_CONFIG

    async def category(self, arguments: Arguments) -> Any:
        """One category and its children; 0 is the root."""
        category_id = arguments.integer("categoryID")
        row = None if category_id is None else category_row(category_id)
        if row is None:
            raise Refused("500_1", "系统异常")
        return [row]

    def _own_picture(self, address: str, host: str) -> Upload | None:
        """The picture at an address of the sandbox. Nothing is ever fetched."""
        path = _PICTURE_PATH.fullmatch(address.removeprefix(f"http://{host}"))
        offer = self._catalogue.find(int(path[1])) if path else None
        return own_picture(offer, int(path[2])) if path and offer else None


def _national(marks: frozenset[str] | set[str]) -> Shape:
    return Shape(dialect=Dialect.NATIONAL_SITE, envelope=envelopes.FLAT, marks=frozenset(marks))


def _view(arguments: Arguments) -> View:
    country = arguments.text("country") or ""
    if arguments.dialect is Dialect.NATIONAL_SITE:
        country = LANGUAGE_OF_COUNTRY.get(country, "en")
    return View(language=country, host=arguments.host, currency=arguments.text("currency"))


def _search_answer(page: Page, arguments: Arguments, open_row: Callable[[Offer, View], Row]) -> Row:
    national = arguments.dialect is Dialect.NATIONAL_SITE
    row = national_row if national else open_row
    view = _view(arguments)
    return {
        "totalRecords": page.total,
        "totalPage": page.pages,
        "pageSize": page.size,
        "currentPage": page.number,
        "searchOfferModelList" if national else "data": [row(offer, view) for offer in page.offers],
    }


def _region(arguments: Arguments, upload: Upload) -> Region | None:
    """The crop that was asked for: left, right, top, bottom in pixels of the picture."""
    text = arguments.text("region")
    if not text:
        return None
    if not _REGION.fullmatch(text):
        raise BadArgument("region")
    left, right, top, bottom = map(int, text.split(","))
    right, bottom = min(right, upload.width), min(bottom, upload.height)
    # A crop outside the picture is no crop.
    return (left, right, top, bottom) if left < right and top < bottom else None


def _regions(upload: Upload, region: Region | None) -> Mapping[str, str]:
    whole = (0, upload.width, 0, upload.height)
    middle = (upload.width // 4, upload.width * 3 // 4, upload.height // 4, upload.height * 3 // 4)
    return {
        "currentRegion": ",".join(map(str, region or whole)),
        "yoloCropRegion": ";".join(",".join(map(str, crop)) for crop in (whole, middle)),
    }
