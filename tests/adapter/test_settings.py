"""What the conversation with 1688 can be told."""

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
def test_what_is_no_base_url(url: str) -> None:
    with pytest.raises(ValidationError, match="must be the base URL of a gateway"):
        AdapterSettings(gateway_url=url, **REQUIRED)


@pytest.mark.parametrize("tokens", [{}, {"access_token": "a", "refresh_token": "b"}])
def test_one_token_and_not_two(tokens: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="is required, and not both"):
        AdapterSettings(gateway_url="http://h", app_key="1", app_secret="s", **tokens)
