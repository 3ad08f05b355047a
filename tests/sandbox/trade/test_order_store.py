import pytest

from services.sandbox.catalog.catalog import Catalog
from services.sandbox.catalog.skus import build_skus
from services.sandbox.trade import order_store
from services.sandbox.trade.order_lines import LineRequest, build_order_lines, compute_shipping_fee_fen
from services.sandbox.trade.order_store import OrderStore
from services.sandbox.trade.orders import OrderFlags, OrderStatus
from services.sandbox.trade.refunds.vouchers import VOUCHER_DOMAIN, Vouchers

CATALOG = Catalog()


def ids_of(book, count):
    lines = build_order_lines(CATALOG, [])
    orders = [book.create_order(lines, 0, OrderFlags()) for _ in range(count)]
    return [order.order_id for order in orders], [entry for order in orders for entry in order.entry_ids]


def test_ids_are_unique_and_start_again_in_a_new_book():
    order_ids, entry_ids = ids_of(OrderStore(), 500)
    assert (order_ids, entry_ids) == ids_of(OrderStore(), 500)
    assert len({*order_ids, *entry_ids}) == 1500


def test_no_id_can_be_a_float():
    for ids in ids_of(OrderStore(), 500):
        assert all(len(str(number)) == 19 and int(float(number)) != number for number in ids)


def test_oldest_order_is_dropped_with_its_refunds(book, make_order, make_request, monkeypatch):
    monkeypatch.setattr(order_store, "MAX_ORDERS", 2)
    old = make_order(OrderStatus.RECEIVED)
    refund = book.create_refund(old, make_request(old))
    make_order()
    assert book.find_refund(refund.refund_id) is refund
    make_order()
    assert (book.find_order(old.order_id), book.find_refund(refund.refund_id)) == (None, None)
    assert (book.order_count, book.refund_count) == (2, 0)


def test_oldest_refund_is_dropped(book, make_order, make_request, monkeypatch):
    monkeypatch.setattr(order_store, "MAX_REFUNDS", 1)
    order = make_order(OrderStatus.RECEIVED)
    first, second = (
        book.create_refund(order, make_request(order, [entry_id])) for entry_id in order.entry_ids
    )
    assert book.find_refund(first.refund_id) is None
    assert order.refund_ids == [second.refund_id]


def test_default_order_lines():
    first, second = build_order_lines(CATALOG, [])
    assert first.offer is not second.offer
    for line in (first, second):
        assert line.offer.min_order <= line.quantity <= line.sku.stock


def test_requested_order_lines():
    offer = CATALOG.offers[7]
    sku = next(sku for sku in build_skus(offer) if sku.stock > 3)
    line, other = build_order_lines(
        CATALOG,
        [LineRequest(offer_id=offer.offer_id, sku_id=sku.sku_id, quantity=3), LineRequest(quantity=1)],
    )
    assert (line.offer, line.sku, line.quantity) == (offer, sku, 3)
    assert other.offer is not offer


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (LineRequest(offer_id=1), "no such offer"),
        (LineRequest(sku_id=1), "an offer_id is needed"),
        (LineRequest(offer_id=CATALOG.offers[0].offer_id, sku_id=1), "no such sku_id"),
        (LineRequest(quantity=10**6), "are left"),
    ],
)
def test_invalid_order_lines(expected, message):
    with pytest.raises(ValueError, match=message):
        build_order_lines(CATALOG, [expected])


def test_shipping_fee_is_free_if_every_offer_ships_for_free():
    free = next(offer for offer in CATALOG.offers if offer.filter_matches["isOnePsaleFreePost"])
    lines = build_order_lines(CATALOG, [LineRequest(offer_id=free.offer_id)])
    assert compute_shipping_fee_fen(lines) == 0
    assert compute_shipping_fee_fen((*lines, *build_order_lines(CATALOG, []))) == 800


def test_vouchers_are_jpegs_below_a_mebibyte():
    vouchers = Vouchers()
    head = b"\xff\xd8\xff\xe0"
    first, second = vouchers.save(head), vouchers.save(head + bytes(1024 * 1024 - 5))
    assert first != second
    assert f"{VOUCHER_DOMAIN}/{first}" in vouchers
    assert vouchers.save(head + bytes(1024 * 1024 - 4)) is None
    assert vouchers.save(b"\x89PNG\r\n") is None
    assert len(vouchers) == 2


def test_only_entry_of_an_order_has_its_id(book):
    lines = build_order_lines(CATALOG, [LineRequest()])
    order = book.create_order(lines, 0, OrderFlags())
    assert order.entry_ids == (order.order_id,)
