"""Serves the images of offers."""

import asyncio
from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.sandbox.catalog import images
from services.sandbox.catalog.catalog import Catalog

MAX_CACHED_IMAGES = 256
"""About 4 MB."""


class ImageRoutes:
    """Draws images on demand and caches the latest."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._draw_jpeg = lru_cache(maxsize=MAX_CACHED_IMAGES)(images.draw_jpeg)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/images/{offer_id:int}/{number:int}.jpg", self.get_image, methods=["GET"])]

    async def get_image(self, request: Request) -> Response:
        """Return one image as JPEG."""
        offer = self._catalog.find(request.path_params["offer_id"])
        number = request.path_params["number"]
        content = await asyncio.to_thread(self._draw_jpeg, offer, number) if offer else None
        if content is None:
            raise HTTPException(404, "there is no such image")
        return Response(content, media_type="image/jpeg")
