from services.sandbox.trade import synced_orders
from services.sandbox.trade.synced_orders import SyncedData


def test_later_record_replaces_the_earlier_one():
    known = SyncedData()
    known.save_order("1", {"status": "payed"}, "open-platform")
    known.save_order("1", {"payStatus": "close"}, "national-site")
    known.save_relation("1", "11", "91", {"n": 1})
    known.save_relation("1", "11", "91", {"n": 2})
    known.save_relation("1", "11", "92", {"n": 3})
    known.save_logistics("1", "LG", {"n": 1}, "open-platform")
    known.save_logistics("1", "LG", {"n": 2}, "open-platform")
    order = known.find_order("1")
    assert (order.order, order.dialect) == ({"payStatus": "close"}, "national-site")
    assert list(order.relations.values()) == [{"n": 2}, {"n": 3}]
    assert list(order.logistics.values()) == [{"n": 2}]
    assert known.find_logistics("LG").logistics == {"n": 2}


def test_all_statuses_are_stored_even_of_unknown_orders():
    known = SyncedData()
    for number in range(2):
        known.save_order_status("1", {"n": number})
        known.save_logistics_status("LG", {"n": number})
    assert known.find_order("1").order is None
    assert known.find_order("1").statuses == known.find_logistics("LG").statuses == [{"n": 0}, {"n": 1}]


def test_oldest_records_are_dropped(monkeypatch):
    monkeypatch.setattr(synced_orders, "MAX_ENTRIES", 2)
    monkeypatch.setattr(synced_orders, "MAX_RECORDS_PER_ENTRY", 3)
    known = SyncedData()
    for number in range(5):
        known.save_order(str(number), {}, "open-platform")
        known.save_order_status("4", {"n": number})
        known.save_relation("4", str(number), "9", {"n": number})
        known.save_logistics("4", str(number), {"n": number}, "open-platform")
    assert [known.find_order(str(number)) is None for number in range(5)] == [True, True, True, False, False]
    assert [known.find_logistics(str(number)) is None for number in (2, 3, 4)] == [True, False, False]
    order = known.find_order("4")
    newest = [{"n": 2}, {"n": 3}, {"n": 4}]
    assert order.statuses == newest
    assert list(order.relations.values()) == list(order.logistics.values()) == newest
