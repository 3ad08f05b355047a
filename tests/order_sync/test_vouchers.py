"""The URL of a voucher, made of the parts that 1688 returns."""

import pytest

from services.errors import UpstreamUnreadable
from services.order_sync.vouchers import build_voucher_url

URL = "https://cbu01.alicdn.com/img/ibank/1.jpg"


@pytest.mark.parametrize(
    ("domain", "path", "url"),
    [
        ("https://cbu01.alicdn.com", "img/ibank/1.jpg", URL),
        ("https://cbu01.alicdn.com", "/img/ibank/1.jpg", URL),
        ("https://cbu01.alicdn.com/", "img/ibank/1.jpg", URL),
        ("https://cbu01.alicdn.com/", "/img/ibank/1.jpg", URL),
        ("cbu01.alicdn.com", "img/ibank/1.jpg", URL),
        ("//cbu01.alicdn.com", "/img/ibank/1.jpg", URL),
        (" cbu01.alicdn.com/ ", " img/ibank/1.jpg", URL),
        ("http://cbu01.alicdn.com", "img/ibank/1.jpg", URL.replace("https", "http")),
        ("https://cbu01.alicdn.com/img/", "ibank/1.jpg", URL),
        ("https://cbu01.alicdn.com", URL, URL),
        ("", URL, URL),
    ],
)
def test_the_parts_of_a_url_are_joined(domain, path, url):
    assert build_voucher_url(domain, path) == url


@pytest.mark.parametrize("domain", ["", " ", "/", "//"])
def test_a_url_without_a_host_is_unreadable(domain):
    with pytest.raises(UpstreamUnreadable):
        build_voucher_url(domain, "img/ibank/1.jpg")
