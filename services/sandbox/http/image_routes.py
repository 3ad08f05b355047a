"""Serves the offers' pictures."""

import asyncio
from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.sandbox.catalog import images as pictures
from services.sandbox.catalog.catalog import Catalogue

KEPT = 256
"""Drawn pictures that are kept, about 4 MB of them."""


class PictureShelf:
    """Draws on demand and keeps the latest."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._jpeg = lru_cache(maxsize=KEPT)(pictures.jpeg)

    def route(self) -> Route:
        """The path of the pictures."""
        return Route("/pictures/{offer_id:int}/{number:int}.jpg", self.picture, methods=["GET"])

    async def picture(self, request: Request) -> Response:
        """One picture as JPEG."""
        offer = self._catalogue.find(request.path_params["offer_id"])
        number = request.path_params["number"]
        content = await asyncio.to_thread(self._jpeg, offer, number) if offer else None
        if content is None:
            raise HTTPException(404, "no such picture")
        return Response(content, media_type="image/jpeg")
