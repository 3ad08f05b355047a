"""The parts of an offer in full that both dialects share."""

from typing import Any

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.images import DESCRIPTION, GALLERY
from services.sandbox.catalog.localized_text import Word
from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.skus import Sku, SkuAttribute, skus
from services.sandbox.operations.serializers.formatting import View, yuan

Member = dict[str, Any]


def facts(offer: Offer, view: View) -> Member:
    """The members that both dialects write alike."""
    video = offer.dice.chance("video", 40)
    return {
        "offerId": offer.offer_id,
        "subject": offer.title.zh,
        "subjectTrans": view.translated(offer.title),
        "description": description(offer, view),
        # There are no films here; the name `invalid` can never be fetched from.
        "mainVideo": f"https://example.invalid/video/{offer.offer_id}.mp4" if video else None,
        "detailVideo": None,
        "categoryId": offer.kind.category_id,
        "categoryName": offer.kind.noun.zh,
        "isJxhy": offer.jxhy_fen is not None,
        "sellerOpenId": offer.seller.open_id,
        "minOrderQuantity": offer.min_order,
    }


def attribute_members(offer: Offer, attribute: SkuAttribute, view: View) -> Member:
    """A variant's attribute, but for its id, which each dialect spells its own way."""
    return {
        "attributeName": attribute.name.zh,
        "attributeNameTrans": view.translated(attribute.name),
        "value": attribute.value.zh,
        "valueTrans": view.translated(attribute.value),
        "skuImageUrl": view.picture(offer, attribute.picture) if attribute.picture else None,
    }


def attributes(offer: Offer) -> tuple[tuple[int, Word, Word], ...]:
    """(attribute id, name, value) of what all variants share."""
    return (
        (2176, vocabulary.BRAND, offer.dice.pick("brand", vocabulary.BRANDS)),
        (346, vocabulary.ORIGIN, offer.seller.city),
        (287, vocabulary.MATERIAL, offer.material),
        (973, vocabulary.STYLE, offer.style),
    )


def description(offer: Offer, view: View) -> str:
    """HTML with pictures."""
    pictures = "".join(f'<img src="{view.picture(offer, number)}">' for number in DESCRIPTION)
    return f"<div>{pictures}</div>"


def gallery(offer: Offer, view: View) -> list[str]:
    """The addresses of the main pictures."""
    return [view.picture(offer, number) for number in GALLERY]


def jxhy_price(offer: Offer, sku: Sku) -> str | None:
    """The variant's price in the selected supply, if the offer is in it."""
    return None if offer.jxhy_fen is None else yuan(sku.price_fen * 94 // 100)


def stock(offer: Offer) -> int:
    """Of all variants together."""
    return sum(sku.stock for sku in skus(offer))
