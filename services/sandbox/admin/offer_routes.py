"""Admin API of offers: a search without signature and dialect."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.sandbox.admin.found import require_found
from services.sandbox.admin.query import parse_number
from services.sandbox.admin.serializers import serialize_offer, serialize_sku
from services.sandbox.catalog.search import Query, paginate
from services.sandbox.catalog.skus import build_skus
from services.sandbox.context import SandboxContext

MAX_PAGE_SIZE = 50


class OfferRoutes:
    """HTTP handlers of offers."""

    def __init__(self, context: SandboxContext) -> None:
        self._catalog = context.catalog
        self._keyword_index = context.keyword_index

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/offers", self.search, methods=["GET"]),
            Route("/offers/{offer_id:int}", self.get_offer, methods=["GET"]),
        ]

    async def search(self, request: Request) -> Response:
        """Return a page of the offers that match a keyword; without one, of all offers."""
        query = Query(
            page=max(1, parse_number(request, "page", 1)),
            page_size=min(MAX_PAGE_SIZE, max(1, parse_number(request, "page_size", 20))),
        )
        page = paginate(self._keyword_index.find(request.query_params.get("keyword", "")), query)
        return JSONResponse(
            {
                "offers": [serialize_offer(offer) for offer in page.offers],
                "page": page.number,
                "page_count": page.page_count,
                "total": page.total,
            }
        )

    async def get_offer(self, request: Request) -> Response:
        """Return one offer with its SKUs."""
        offer = require_found(self._catalog.find(request.path_params["offer_id"]), "there is no such offer")
        skus = [serialize_sku(sku) for sku in build_skus(offer)]
        return JSONResponse(serialize_offer(offer) | {"skus": skus})
