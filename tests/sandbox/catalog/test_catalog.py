from dataclasses import asdict
from itertools import pairwise

from services.sandbox.catalog.catalog import Catalog
from services.sandbox.catalog.images import draw_jpeg
from services.sandbox.catalog.skus import build_price_tiers, build_skus

OFFERS = Catalog().offers


def test_catalog_is_deterministic():
    assert [asdict(offer) for offer in Catalog().offers[::20]] == [asdict(offer) for offer in OFFERS[::20]]


def test_first_offer_does_not_change():
    """Tests and documents of users rely on these values."""
    first = OFFERS[0]
    assert first.offer_id == 620201390233
    assert first.title.en == "Holiday gift embroidered cotton dress wholesale"
    assert [sku.sku_id for sku in build_skus(first)][:2] == [5104790281451, 5104790281452]


def test_ids_are_unique_and_have_the_right_length():
    assert len(OFFERS) == 2400
    assert {len(str(offer.offer_id)) for offer in OFFERS} == {12}
    sku_ids = [sku.sku_id for offer in OFFERS for sku in build_skus(offer)]
    assert len(set(sku_ids)) == len(sku_ids)
    assert {len(str(sku_id)) for sku_id in sku_ids} == {13, 16}


def test_prices_fall_with_the_quantity():
    for offer in OFFERS[::7]:
        for (fewer, dearer), (more, cheaper) in pairwise(build_price_tiers(offer)):
            assert (fewer < more, dearer > cheaper) == (True, True)


def test_every_title_is_translated():
    assert all(len(set(offer.title)) == 4 for offer in OFFERS)


def test_shipping_promise_implies_the_weaker_ones():
    for offer in OFFERS:
        promises = [offer.filter_matches[key] for key in ("shipInToday", "shipIn24Hours", "shipIn48Hours")]
        assert promises == sorted(promises)


def test_no_two_offers_look_the_same():
    assert len({draw_jpeg(offer, 1) for offer in OFFERS[::12]}) == 200
