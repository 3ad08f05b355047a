"""In the open-platform dialect, an empty language is filled from the country."""

from typing import Any

import pytest
from nationalsite.product import v1 as protos

from services.adapter import Dialect, OperationClient
from services.adapter.codec import compile_service
from services.adapter.gateway import UpstreamResponse
from services.product.service import DESCRIPTOR, ProductSettings


class Gateway:
    """Records requests. Its searches have no results."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def call(self, api_id: str, form: dict[str, str], **rest: Any) -> UpstreamResponse:
        self.sent.append(form.get("offerQueryParam", str(form)))
        return UpstreamResponse(value={"success": True, "result": {"data": []}, "data": {}}, request_id="")


def open_client(gateway: Gateway, dialect: Dialect, **overrides: Any) -> OperationClient:
    settings = ProductSettings(
        gateway_url="http://127.0.0.1:9", app_key="1", app_secret="secret", access_token="token", **overrides
    )
    return OperationClient(compile_service(DESCRIPTOR, dialect, lookups=settings.lookups()), gateway)


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
async def test_language_from_country(settings: dict, request_fields: dict, language: str) -> None:
    gateway = Gateway()
    request = protos.SearchByKeywordRequest(keyword="cookies", **request_fields)
    await open_client(gateway, Dialect.OPEN_PLATFORM, **settings).call("SearchByKeyword", request, 0)
    (sent,) = gateway.sent
    assert f'"country":"{language}"' in sent


async def test_national_site_gets_the_country() -> None:
    gateway = Gateway()
    request = protos.SearchByKeywordRequest(keyword="cookies", country="japan")
    await open_client(gateway, Dialect.NATIONAL_SITE).call("SearchByKeyword", request, 0)
    assert "'country': 'japan'" in gateway.sent[0]
