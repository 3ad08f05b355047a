from services.sandbox.trade import synced_orders
from services.sandbox.trade.synced_orders import SyncedData


def test_later_record_replaces_the_earlier_one():
    synced = SyncedData()
    synced.save_order("1", {"status": "payed"}, "open-platform")
    synced.save_order("1", {"payStatus": "close"}, "national-site")
    synced.save_relation("1", "11", "91", {"n": 1})
    synced.save_relation("1", "11", "91", {"n": 2})
    synced.save_relation("1", "11", "92", {"n": 3})
    synced.save_logistics("1", "LG", {"n": 1}, "open-platform")
    synced.save_logistics("1", "LG", {"n": 2}, "open-platform")
    order = synced.find_order("1")
    assert (order.order, order.dialect) == ({"payStatus": "close"}, "national-site")
    assert list(order.relations.values()) == [{"n": 2}, {"n": 3}]
    assert list(order.logistics.values()) == [{"n": 2}]
    assert synced.find_logistics("LG").logistics == {"n": 2}


def test_all_statuses_are_stored_even_of_unknown_orders():
    synced = SyncedData()
    for number in range(2):
        synced.save_order_status("1", {"n": number})
        synced.save_logistics_status("LG", {"n": number})
    assert synced.find_order("1").order is None
    assert synced.find_order("1").statuses == synced.find_logistics("LG").statuses == [{"n": 0}, {"n": 1}]


def test_oldest_records_are_dropped(monkeypatch):
    monkeypatch.setattr(synced_orders, "MAX_ENTRIES", 2)
    monkeypatch.setattr(synced_orders, "MAX_RECORDS_PER_ORDER", 3)
    synced = SyncedData()
    for number in range(5):
        synced.save_order(str(number), {}, "open-platform")
        synced.save_order_status("4", {"n": number})
        synced.save_relation("4", str(number), "9", {"n": number})
        synced.save_logistics("4", str(number), {"n": number}, "open-platform")
    assert [synced.find_order(str(number)) is None for number in range(5)] == [True, True, True, False, False]
    assert [synced.find_logistics(str(number)) is None for number in (2, 3, 4)] == [True, False, False]
    order = synced.find_order("4")
    newest = [{"n": 2}, {"n": 3}, {"n": 4}]
    assert order.statuses == newest
    assert list(order.relations.values()) == list(order.logistics.values()) == newest
