"""Page tokens of lists that 1688 numbers."""

from collections.abc import Callable, Iterator

import pytest
from nationalsite.ordersync.v1 import ListPurchaseOrdersRequest, ListRefundsRequest

from services.errors import InvalidRequest
from services.order_sync.list_pages import ARCHIVE, ListPage

GetPage = Callable[[int, int], tuple[int, int | None]]
"""Returns the number of elements on a page, by its number and its part, and the total of the part."""


def read_pages(
    get_page: GetPage, *, first_page: int, is_certain: bool, has_archive: bool
) -> Iterator[tuple[int, int]]:
    """Read a list until it ends; yield the part and the number of each page."""
    token = ""
    for _ in range(50):
        request = ListPurchaseOrdersRequest(out_order_id="a", page_token=token, page_size=2)
        page = ListPage(request, first_page=first_page, is_first_page_certain=is_certain)
        number = int(request.page_token or first_page)
        yield page.part, number
        count, total = get_page(number, page.part)
        token = page.build_next_token(count, total, has_archive=has_archive)
        if not token:
            return
    pytest.fail("the list does not end")


def count_on(number: int, total: int) -> int:
    """Return how many of `total` elements are on a page of two, by its number from 1."""
    return max(0, min(2, total - 2 * (number - 1)))


@pytest.mark.parametrize(
    ("total", "is_counted", "pages"),
    [
        (0, True, [1]),
        (2, True, [1]),
        (3, True, [1, 2]),
        (4, True, [1, 2]),
        (4, False, [1, 2, 3]),
        (3, False, [1, 2]),
    ],
)
def test_pages_from_1(total: int, is_counted: bool, pages: list[int]) -> None:
    found = read_pages(
        lambda number, _: (count_on(number, total), total if is_counted else None),
        first_page=1,
        is_certain=True,
        has_archive=False,
    )
    assert [number for _, number in found] == pages


@pytest.mark.parametrize(("current", "archived"), [(0, 0), (3, 0), (0, 3), (3, 4)])
def test_the_archive_follows_the_current_ones(current: int, archived: int) -> None:
    totals = (current, archived)
    seen = [0, 0]

    def get_page(number: int, part: int) -> tuple[int, int]:
        count = count_on(number, totals[part])
        seen[part] += count
        return count, totals[part]

    pages = list(read_pages(get_page, first_page=1, is_certain=True, has_archive=True))
    assert tuple(seen) == totals
    assert pages[-1][0] == ARCHIVE


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("is_counted", [True, False])
@pytest.mark.parametrize("total", [0, 1, 2, 3, 4, 5])
def test_no_refund_is_missed_whether_1688_counts_from_0_or_1(base: int, is_counted: bool, total: int) -> None:
    found: set[int] = set()

    def get_page(number: int, _: int) -> tuple[int, int | None]:
        first = 2 * max(number - base, 0)
        elements = range(first, min(first + 2, total))
        found.update(elements)
        return len(elements), total if is_counted else None

    pages = list(read_pages(get_page, first_page=0, is_certain=False, has_archive=False))
    assert found == set(range(total))
    assert len(pages) <= total // 2 + 2


def test_1688_may_return_fewer_elements_than_asked_for() -> None:
    sizes = {1: 1, 2: 1, 3: 1}
    pages = read_pages(
        lambda number, _: (sizes.get(number, 0), 3), first_page=1, is_certain=True, has_archive=False
    )
    assert [number for _, number in pages] == [1, 2, 3]


def test_page_sizes() -> None:
    for sent, expected in ((0, 20), (7, 7), (101, 100)):
        request = ListRefundsRequest(page_size=sent)
        ListPage(request, first_page=0)
        assert request.page_size == expected


def test_a_token_continues_only_its_own_list() -> None:
    token = ListPage(ListRefundsRequest(cbu_order_id=1), first_page=0).build_next_token(20, 21)
    ListPage(ListRefundsRequest(cbu_order_id=1, page_token=token), first_page=0)
    for other in (
        ListRefundsRequest(cbu_order_id=2, page_token=token),
        ListRefundsRequest(cbu_order_id=1, page_token=token, page_size=10),
        ListRefundsRequest(cbu_order_id=1, page_token=token + "x"),
        ListRefundsRequest(cbu_order_id=1, page_token="MTox"),
        ListPurchaseOrdersRequest(page_token=token),
    ):
        with pytest.raises(InvalidRequest) as caught:
            ListPage(other, first_page=0)
        assert [violation.reason for violation in caught.value.violations] == ["PAGE_TOKEN"]
