"""The last full orders."""

import pytest

from services.errors import NoFullSync
from services.store import FullOrderKind
from tests.store.factories import build_full_order


async def test_the_last_full_order_replaces_the_one_before(storage):
    await storage.full_orders.put(build_full_order(1, payload=b"old"))
    await storage.full_orders.put(build_full_order(1, payload=b"new", member="hanako"))
    await storage.full_orders.put(
        build_full_order(1, kind=FullOrderKind.LOGISTICS_ORDER, national_order_id="id7")
    )

    assert await storage.full_orders.get(FullOrderKind.ORDER, "id1") == build_full_order(
        1, payload=b"new", member="hanako"
    )
    assert (await storage.full_orders.get(FullOrderKind.LOGISTICS_ORDER, "id1")).national_order_id == "id7"
    with pytest.raises(NoFullSync):
        await storage.full_orders.get(FullOrderKind.ORDER, "id2")
