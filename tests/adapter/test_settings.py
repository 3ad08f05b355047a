"""Settings of the adapter."""

import pytest
from pydantic import ValidationError

from services.adapter import AdapterSettings

REQUIRED = {"app_key": "1000000", "app_secret": "secret", "access_token": "token"}


@pytest.mark.parametrize("url", ["https://gw.open.1688.com", "HTTP://h", "http://[::1]:80", "http://h/base/"])
def test_base_urls(url: str) -> None:
    assert AdapterSettings(gateway_url=url, **REQUIRED).gateway_url == url


@pytest.mark.parametrize(
    "url",
    [
        "gw.open.1688.com",
        "ftp://h",
        "http://",
        "http://h:",
        "http://h:0",
        "http://h:abc",
        "http://h:99999",
        "http://h?x",
        "http://h#x",
        "http://[::1",
        "http://a b/",
        "http://user:secret@h",
        "http://a..b/",
        f"http://{'a' * 64}/",
    ],
)
def test_invalid_base_urls(url: str) -> None:
    with pytest.raises(ValidationError, match="must be the base URL of a gateway"):
        AdapterSettings(gateway_url=url, **REQUIRED)


def test_the_appended_path_is_rejected() -> None:
    with pytest.raises(ValidationError, match="must not end in /openapi"):
        AdapterSettings(gateway_url="https://gw.open.1688.com/openapi/", **REQUIRED)


@pytest.mark.parametrize("names", ['{"garbage": "a:b-1"}', '{"a:b-1": "garbage"}'])
def test_operation_aliases_map_ids_to_ids(names: str) -> None:
    with pytest.raises(ValidationError, match="must be namespace:name-version"):
        AdapterSettings(gateway_url="http://h", operation_aliases=names, **REQUIRED)


@pytest.mark.parametrize("tokens", [{}, {"access_token": "a", "refresh_token": "b"}])
def test_exactly_one_token_is_required(tokens: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="is required, and not both"):
        AdapterSettings(gateway_url="http://h", app_key="1", app_secret="s", **tokens)


@pytest.mark.parametrize("url", ["http://h", "redis//h", "redis://user:hush@h:port", ""])
def test_invalid_redis_urls(url: str) -> None:
    with pytest.raises(ValidationError, match="must be a URL of Redis") as caught:
        AdapterSettings(gateway_url="http://h", redis_url=url, **REQUIRED)
    assert "hush" not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"app_rate": 0},
        {"app_rate": "inf"},
        {"api_rates": '{"a:b-1": 0}'},
        {"api_rates": '{"garbage": 1}'},
        {"max_upstream_calls": 0},
        {"max_upstream_calls": 1001},
        {"cache_seconds": '{"GetCategory": -1}'},
        {"NATIONALSITE_CACHE_STALE_SECONDS": -1},
    ],
)
def test_invalid_limits(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AdapterSettings(gateway_url="http://h", **REQUIRED, **wrong)
