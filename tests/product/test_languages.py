"""An empty language follows the country, where the open platform is asked."""

from typing import Any

import pytest
from nationalsite.product import v1 as protos

from services.adapter import Dialect, OperationClient
from services.adapter.codec import compile_service
from services.adapter.gateway import UpstreamReply
from services.product.service import DESCRIPTOR, Product, ProductSettings


class Gateway:
    """Keeps what it was given; finds nothing."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def call(self, api: str, form: dict[str, str], **rest: Any) -> UpstreamReply:
        self.sent.append(form.get("offerQueryParam", str(form)))
        return UpstreamReply(value={"success": True, "result": {"data": []}, "data": {}}, request_id="")


def product(gateway: Gateway, dialect: Dialect, **settings: Any) -> Product:
    chosen = ProductSettings(
        gateway_url="http://127.0.0.1:9", app_key="1", app_secret="secret", access_token="token", **settings
    )
    return Product(OperationClient(compile_service(DESCRIPTOR, dialect), gateway), chosen)


@pytest.mark.parametrize(
    ("settings", "request_fields", "language"),
    [
        ({}, {}, "en"),
        ({}, {"country": "japan"}, "ja"),
        ({}, {"country": "Vietnam"}, "vi"),
        ({}, {"country": "malaysia"}, "en"),
        ({}, {"country": "japan", "language": "ko"}, "ko"),
        ({"languages": '{"Malaysia": "ms"}'}, {"country": "malaysia"}, "ms"),
        ({"languages": '{"Malaysia": "ms"}'}, {"country": "japan"}, "en"),
    ],
)
async def test_the_language_that_is_sent(settings: dict, request_fields: dict, language: str) -> None:
    gateway = Gateway()
    request = protos.SearchByKeywordRequest(keyword="cookies", **request_fields)
    await product(gateway, Dialect.OPEN_PLATFORM, **settings).search_by_keyword(request, 0)
    (sent,) = gateway.sent
    assert f'"country":"{language}"' in sent


async def test_the_national_site_is_sent_the_country() -> None:
    gateway = Gateway()
    request = protos.SearchByKeywordRequest(keyword="cookies", country="japan")
    await product(gateway, Dialect.NATIONAL_SITE).search_by_keyword(request, 0)
    assert "'country': 'japan'" in gateway.sent[0]
