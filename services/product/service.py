"""ProductService: uploads images before a search, and has a filter list for the dialect without one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources

from nationalsite.product import v1 as protos
from pydantic import Field

from services.adapter import AdapterSettings, OperationClient, operations_lifespan
from services.handler import Handler, uses_local_fields
from services.product.images import shrink_to_fit
from services.server import Endpoint, ServerSettings, ServiceDefinition, ServiceRuntime

DESCRIPTOR = protos.PRODUCT_SERVICE


class ProductSettings(ServerSettings, AdapterSettings):
    """The settings of ProductService."""

    listen: str = "0.0.0.0:50051"  # all interfaces: a container publishes the port
    http_listen: str = "0.0.0.0:9101"  # all interfaces: a container publishes the port
    image_max_bytes: int = Field(default=307_200, ge=10_000)
    """Larger images are re-encoded to at most this size before they are sent."""


class ProductHandlers:
    """Handlers of the RPCs that are not just a call of their operation."""

    def __init__(self, operations: OperationClient, settings: ProductSettings) -> None:
        self._operations = operations
        self._image_max_bytes = settings.image_max_bytes
        document = resources.files("services.product").joinpath("filter_config.json").read_bytes()
        self._filter_config = operations.decode_response("GetFilterConfig", document)

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers by RPC."""
        return {
            "UploadImage": self.upload_image,
            "SearchByImage": self.search_by_image,
            "GetFilterConfig": self.get_filter_config,
        }

    async def upload_image(self, request: protos.UploadImageRequest, deadline: float) -> bytes:
        """Upload an image. A large one is re-encoded first."""
        if len(request.image) > self._image_max_bytes:
            request.image = await shrink_to_fit(request.image, self._image_max_bytes, "image")
        return await self._operations.call("UploadImage", request, deadline)

    @uses_local_fields("image")
    async def search_by_image(self, request: protos.SearchByImageRequest, deadline: float) -> bytes:
        """Search by image. An image that comes as bytes is uploaded first.

        The response has the image id, so that the caller can request the next page without a second upload.
        """
        if request.HasField("image"):
            self._operations.check_request("SearchByImage", request)  # before the upload
            upload = protos.UploadImageRequest(image=request.image, out_member_id=request.out_member_id)
            uploaded = protos.UploadImageResponse.FromString(await self.upload_image(upload, deadline))
            request.image_id = uploaded.image_id
        response = await self._operations.call("SearchByImage", request, deadline)
        if not request.image_id:
            return response
        # Two concatenated serialized messages are one message with the fields of both.
        return response + protos.SearchByImageResponse(image_id=request.image_id).SerializeToString()

    async def get_filter_config(self, request: protos.GetFilterConfigRequest, deadline: float) -> bytes:
        """Call 1688, or return the list of the national-site document if the dialect has no operation."""
        if self._operations["GetFilterConfig"].local:
            return self._filter_config
        return await self._operations.call("GetFilterConfig", request, deadline)


@asynccontextmanager
async def product_lifespan(settings: ProductSettings) -> AsyncIterator[ServiceRuntime]:
    """Open the client of 1688."""
    async with operations_lifespan(DESCRIPTOR, settings) as operations:
        handlers = ProductHandlers(operations, settings).handlers()
        yield ServiceRuntime(operations.build_endpoints(Endpoint, handlers))


PRODUCT = ServiceDefinition(descriptor=DESCRIPTOR, settings=ProductSettings, lifespan=product_lifespan)
