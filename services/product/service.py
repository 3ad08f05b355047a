"""What is special to ProductService: languages, pictures, and the filter list of the open platform."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources

from nationalsite.product import v1 as protos
from pydantic import Field, Json

from services.adapter import AdapterSettings, Dialect, OperationClient, operations_lifespan
from services.handler import Handler
from services.product.images import shrink_to_fit
from services.server import Endpoint, ServerSettings, ServiceDefinition, ServiceRuntime

DESCRIPTOR = protos.PRODUCT_SERVICE

DEFAULT_LANGUAGE = "en"
LANGUAGES = {"japan": "ja", "vietnam": "vi"}


class ProductSettings(ServerSettings, AdapterSettings):
    """The settings of ProductService."""

    listen: str = "0.0.0.0:50051"  # a container's port is reached from outside
    http_listen: str = "0.0.0.0:9101"  # likewise
    image_max_bytes: int = Field(default=307_200, ge=10_000)
    """Larger pictures are re-encoded to at most this before they are sent."""
    languages: Json[dict[str, str]] | None = None
    """Country name to language code, for open-platform requests that name no language.

    Default: LANGUAGES; any other country is DEFAULT_LANGUAGE."""


class Product:
    """The RPCs that need more than their operation."""

    def __init__(self, operations: OperationClient, settings: ProductSettings) -> None:
        self._operations = operations
        languages = LANGUAGES if settings.languages is None else settings.languages
        self._languages = {country.lower(): language for country, language in languages.items()}
        self._image_max_bytes = settings.image_max_bytes
        document = resources.files("services.product").joinpath("filter_config.json").read_bytes()
        self._filter_config = operations.decode_reply("GetFilterConfig", document)

    def functions(self) -> dict[str, Handler]:
        """Return them by RPC."""
        return {
            "SearchByKeyword": self.search_by_keyword,
            "UploadImage": self.upload_image,
            "SearchByImage": self.search_by_image,
            "GetProductDetail": self.get_product_detail,
            "GetFilterConfig": self.get_filter_config,
        }

    async def search_by_keyword(self, request: protos.SearchByKeywordRequest, deadline: float) -> bytes:
        """Search in the language of the request, or of its country."""
        self._choose_language("SearchByKeyword", request)
        return await self._operations.call("SearchByKeyword", request, deadline)

    async def upload_image(self, request: protos.UploadImageRequest, deadline: float) -> bytes:
        """Upload the picture, made small enough."""
        if len(request.image) > self._image_max_bytes:
            request.image = await shrink_to_fit(request.image, self._image_max_bytes, "image")
        return await self._operations.call("UploadImage", request, deadline)

    async def search_by_image(self, request: protos.SearchByImageRequest, deadline: float) -> bytes:
        """Search by picture; one that comes as bytes is uploaded first.

        The response says which image id was searched for, so that the next page needs no second upload.
        """
        self._choose_language("SearchByImage", request)
        if request.HasField("image"):
            self._operations.check_request("SearchByImage", request)  # before half of it is done
            upload = protos.UploadImageRequest(image=request.image, out_member_id=request.out_member_id)
            uploaded = protos.UploadImageResponse.FromString(await self.upload_image(upload, deadline))
            request.image_id = uploaded.image_id
        response = await self._operations.call("SearchByImage", request, deadline)
        if not request.image_id:
            return response
        # Two serialized messages in a row are one that holds the fields of both.
        return response + protos.SearchByImageResponse(image_id=request.image_id).SerializeToString()

    async def get_product_detail(self, request: protos.GetProductDetailRequest, deadline: float) -> bytes:
        """Read the offer in the language of the request, or of its country."""
        self._choose_language("GetProductDetail", request)
        return await self._operations.call("GetProductDetail", request, deadline)

    async def get_filter_config(self, request: protos.GetFilterConfigRequest, deadline: float) -> bytes:
        """Ask 1688, or answer with the national-site document's own list where there is nobody to ask."""
        if self._operations["GetFilterConfig"].local:
            return self._filter_config
        return await self._operations.call("GetFilterConfig", request, deadline)

    def _choose_language(self, rpc: str, request: "Translated") -> None:
        """Let an empty language follow the country.

        The open platform does not refuse a wrong or missing one; it leaves everything untranslated.
        """
        if self._operations[rpc].dialect is Dialect.OPEN_PLATFORM and not request.language:
            request.language = self._languages.get(request.country.lower(), DEFAULT_LANGUAGE)


Translated = protos.SearchByKeywordRequest | protos.SearchByImageRequest | protos.GetProductDetailRequest


@asynccontextmanager
async def product_lifespan(settings: ProductSettings) -> AsyncIterator[ServiceRuntime]:
    """Open the conversation with 1688."""
    async with operations_lifespan(DESCRIPTOR, settings) as operations:
        yield ServiceRuntime(operations.build_endpoints(Endpoint, Product(operations, settings).functions()))


PRODUCT = ServiceDefinition(descriptor=DESCRIPTOR, settings=ProductSettings, lifespan=product_lifespan)
