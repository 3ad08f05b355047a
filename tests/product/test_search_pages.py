"""Pages of the searches: sizes, numbers, and page tokens, which continue only their own search."""

import base64
from typing import Any

import pytest
from nationalsite.product import v1 as protos

from services.errors import InvalidRequest
from services.opaque_token import encode_token
from services.product.search_pages import SearchPage, SearchRequest

NATIONAL, OPEN = "national-site", "open-platform"
IMAGE, OTHER_IMAGE = b"\xff\xd8\xff1", b"\xff\xd8\xff2"


def keyword_search(**fields: Any) -> protos.SearchByKeywordRequest:
    return protos.SearchByKeywordRequest(**{"keyword": "dress", "country": "japan", "page_size": 20} | fields)


def image_search(**fields: Any) -> protos.SearchByImageRequest:
    return protos.SearchByImageRequest(**{"country": "japan", "page_size": 20} | fields)


def search(
    request: SearchRequest,
    *,
    dialect: str = OPEN,
    found: int = 20,
    total: int | None = 1000,
    image_id: str = "",
) -> str:
    """Search as the handlers do: `found` offers of `total`; return the next page token.

    An image becomes `image_id` when it is uploaded.
    """
    page = SearchPage(request, dialect)
    if isinstance(request, protos.SearchByImageRequest):
        if image_id:
            assert request.HasField("image"), "there is nothing to upload"
            request.image_id = image_id
        response: Any = protos.SearchByImageResponse(total_size=total)
    else:
        response = protos.SearchByKeywordResponse(total_size=total)
    response.offers.extend([protos.Offer()] * found)
    return page.build_next_token(response.SerializeToString())


def reject(request: SearchRequest, dialect: str = OPEN) -> str:
    """Check that the request is rejected for its page token; return the description."""
    with pytest.raises(InvalidRequest) as failure:
        SearchPage(request, dialect)
    (violation,) = failure.value.violations
    assert violation.field == "page_token"
    return violation.description


@pytest.mark.parametrize(("requested", "used"), [(0, 20), (1, 1), (50, 50), (51, 50), (2**31 - 1, 50)])
def test_page_sizes(requested, used):
    request = keyword_search(page_size=requested)
    SearchPage(request, OPEN)
    assert (request.page_size, request.page) == (used, 1)


def test_equal_pages_have_equal_requests():
    token = search(keyword_search(page_size=0), found=20)
    requests = [
        keyword_search(page_size=0, page_token=token),
        keyword_search(page_size=20, page_token=token),
        keyword_search(page_size=0, page=2),
        keyword_search(page_size=20, page=2),
    ]
    for request in requests:
        SearchPage(request, OPEN)
    assert requests == [keyword_search(page_size=20, page=2)] * 4


def test_a_size_above_the_maximum_continues_with_the_maximum():
    token = search(keyword_search(page_size=1000), found=50)
    request = keyword_search(page_size=50, page_token=token)
    SearchPage(request, OPEN)
    assert request == keyword_search(page_size=50, page=2)


@pytest.mark.parametrize(
    ("page", "page_size", "found", "total", "is_last"),
    [
        (1, 20, 20, 41, False),
        (2, 20, 20, 41, False),
        (3, 20, 1, 41, True),
        (2, 20, 20, 40, True),
        (1, 20, 0, 0, True),
        (7, 20, 0, 1000, True),  # 1688 has fewer offers than it says
        (1, 20, 19, 1000, False),  # fewer offers than requested, but more pages
        (39, 50, 50, 2000, False),
        (40, 50, 50, 2000, True),
        (40, 50, 50, 90_000, True),  # at most 2,000 can be returned
        (66, 30, 30, 90_000, False),
        (67, 30, 20, 90_000, True),
        (1, 20, 20, None, False),  # without a total, a full page is followed by another one
        (1, 20, 19, None, True),
        (100, 20, 20, None, True),
    ],
)
def test_the_last_page_has_no_token(page, page_size, found, total, is_last):
    token = search(keyword_search(page=page, page_size=page_size), found=found, total=total)
    assert (token == "") == is_last


def test_a_token_leads_from_page_to_page():
    request, pages = keyword_search(), []
    while True:
        token = search(request, total=70)
        pages.append(request.page)
        if not token:
            break
        request = keyword_search(page_token=token)
    assert pages == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "change",
    [
        {"keyword": "dresses"},
        {"page_size": 21},
        {"category_id": 0},
        {"country": ""},
        {"filters": ["shipInToday"]},
        {"price_start": {"units": 1}},
        {"out_member_id": "7"},
        {"keyword_is_chinese": False},
    ],
)
def test_a_token_with_another_field_is_rejected(change):
    token = search(keyword_search())
    assert "other fields" in reject(keyword_search(page_token=token, **change))


def test_a_token_of_the_other_dialect_is_rejected():
    assert "other dialect" in reject(keyword_search(page_token=search(keyword_search())), NATIONAL)


def test_a_token_of_the_other_search_is_rejected():
    keyword_token = search(keyword_search())
    image_token = search(image_search(image=IMAGE), image_id="5")
    reject(keyword_search(page_token=image_token))
    reject(image_search(page_token=keyword_token))
    reject(image_search(page_token=keyword_token, image_id="5"))


def test_changed_tokens_are_rejected():
    token = search(image_search(image=IMAGE), image_id="1490507813791335080")
    assert len(token) < 200
    parts = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().split(":")[1:]
    changed = {token[:index] + other + token[index + 1 :] for index in range(len(token)) for other in "Ax_="}
    changed |= {token[:length] for length in range(1, len(token))} | {token + "A", token + "=", " " + token}
    for index, part in enumerate(parts):
        for other in (
            "",
            "0",
            "-",
            "-1",
            "٢",
            "2",
            "9" * 5000,
            "x",
            part + "0",
            "0" + part,
            "\0",
            "😀",
            "a:b",
        ):
            changed.add(encode_token(*parts[:index], other, *parts[index + 1 :]))
    for other_token in changed - {token}:
        reject(image_search(page_token=other_token))
    SearchPage(image_search(page_token=token), OPEN)  # the token itself is accepted


@pytest.mark.parametrize("token", ["x", "é", "MTo", "MToxMg", "MToxOm9wZW4tcGxhdGZvcm06LTotOi0", "\0", "="])
def test_other_texts_are_rejected(token):
    reject(keyword_search(page_token=token))


def test_a_token_stands_for_the_uploaded_image():
    token = search(image_search(image=IMAGE), image_id="5")
    for source in ({}, {"image_id": "5"}, {"image": IMAGE}):
        request = image_search(page_token=token, **source)
        following = search(request)
        assert request == image_search(image_id="5", page=2)
        for next_source in ({}, {"image_id": "5"}, {"image": IMAGE}):
            request = image_search(page_token=following, **next_source)
            SearchPage(request, OPEN)
            assert request == image_search(image_id="5", page=3)


@pytest.mark.parametrize(
    "source", [{"image_id": "6"}, {"image": OTHER_IMAGE}, {"image_address": "https://cbu01.alicdn.com/1.jpg"}]
)
def test_a_token_with_another_image_is_rejected(source):
    token = search(image_search(image=IMAGE), image_id="5")
    reject(image_search(page_token=token, **source))


def test_a_token_stands_for_the_image_id():
    token = search(image_search(image_id="5"))
    request = image_search(page_token=token)
    SearchPage(request, OPEN)
    assert request == image_search(image_id="5", page=2)
    reject(image_search(page_token=token, image=IMAGE))


def test_a_url_is_sent_with_each_page():
    url = "https://cbu01.alicdn.com/1.jpg"
    token = search(image_search(image_address=url))
    request = image_search(page_token=token, image_address=url)
    SearchPage(request, OPEN)
    assert request == image_search(image_address=url, page=2)
    reject(image_search(page_token=token))
    reject(image_search(page_token=token, image_address=url + "?"))
