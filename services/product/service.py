"""ProductService: pages of searches, images uploaded for them, and filters for the dialect without a list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources

from google.protobuf.message import Message
from nationalsite.product import v1 as protos
from pydantic import Field

from services.adapter import AdapterSettings, OperationClient, operations_lifespan
from services.handler import Handler, uses_local_fields
from services.product.images import ImageShrinker
from services.product.search_pages import SearchPage
from services.server import Endpoint, ServerSettings, ServiceDefinition, ServiceRuntime

DESCRIPTOR = protos.PRODUCT_SERVICE


class ProductSettings(ServerSettings, AdapterSettings):
    """The settings of ProductService."""

    listen: str = "0.0.0.0:50051"  # all interfaces: a container publishes the port
    http_listen: str = "0.0.0.0:9101"  # all interfaces: a container publishes the port
    image_max_bytes: int = Field(default=307_200, ge=10_000)
    """Larger images are re-encoded to at most this size before they are sent."""
    image_processes: int = Field(default=2, ge=1, le=64)
    """How many images are re-encoded at the same time, each in a process of its own."""


class ProductHandlers:
    """Handlers of the RPCs that do more than call their operation."""

    def __init__(self, operations: OperationClient, settings: ProductSettings) -> None:
        self._operations = operations
        self._image_max_bytes = settings.image_max_bytes
        self._image_shrinker = ImageShrinker(settings.image_processes)
        document = resources.files("services.product").joinpath("filter_config.json").read_bytes()
        self._filter_config = operations.decode_response("GetFilterConfig", document)

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers by RPC name."""
        return {
            "SearchByKeyword": self.search_by_keyword,
            "UploadImage": self.upload_image,
            "SearchByImage": self.search_by_image,
            "GetFilterConfig": self.get_filter_config,
        }

    @uses_local_fields("page_token")
    async def search_by_keyword(self, request: protos.SearchByKeywordRequest, deadline: float) -> bytes:
        """Search by keyword."""
        page = SearchPage(request, self._operations["SearchByKeyword"].dialect)
        response = await self._operations.call("SearchByKeyword", request, deadline)
        more = protos.SearchByKeywordResponse(next_page_token=page.build_next_token(response))
        return _merge(response, more)

    async def upload_image(self, request: protos.UploadImageRequest, deadline: float) -> bytes:
        """Upload an image. A large one is re-encoded first."""
        if len(request.image) > self._image_max_bytes:
            request.image = await self._image_shrinker.shrink_to_fit(
                request.image, self._image_max_bytes, "image", deadline
            )
        return await self._operations.call("UploadImage", request, deadline)

    @uses_local_fields("image", "page_token")
    async def search_by_image(self, request: protos.SearchByImageRequest, deadline: float) -> bytes:
        """Search by image. An image that comes as bytes is uploaded first.

        The response has the image id, so that the caller can use the image again without a second upload.
        """
        page = SearchPage(request, self._operations["SearchByImage"].dialect)
        if request.HasField("image"):
            self._operations.check_request("SearchByImage", request)  # before the upload
            upload = protos.UploadImageRequest(image=request.image, out_member_id=request.out_member_id)
            uploaded = protos.UploadImageResponse.FromString(await self.upload_image(upload, deadline))
            request.image_id = uploaded.image_id
        response = await self._operations.call("SearchByImage", request, deadline)
        more = protos.SearchByImageResponse(next_page_token=page.build_next_token(response))
        if request.image_id:
            more.image_id = request.image_id
        return _merge(response, more)

    async def get_filter_config(self, request: protos.GetFilterConfigRequest, deadline: float) -> bytes:
        """Return 1688's filter list; if the dialect has no operation for it, that of filter_config.json."""
        if self._operations["GetFilterConfig"].local:
            return self._filter_config
        return await self._operations.call("GetFilterConfig", request, deadline)


def _merge(response: bytes, more: Message) -> bytes:
    """Add fields to a serialized response: two serialized messages, concatenated, are one with all fields."""
    return response + more.SerializeToString()


@asynccontextmanager
async def product_lifespan(settings: ProductSettings) -> AsyncIterator[ServiceRuntime]:
    """Open the client of 1688."""
    async with operations_lifespan(DESCRIPTOR, settings) as operations:
        handlers = ProductHandlers(operations, settings).handlers()
        yield ServiceRuntime(operations.build_endpoints(Endpoint, handlers))


PRODUCT = ServiceDefinition(
    descriptor=DESCRIPTOR,
    settings=ProductSettings,
    lifespan=product_lifespan,
    describe=ProductSettings.describe,
)
