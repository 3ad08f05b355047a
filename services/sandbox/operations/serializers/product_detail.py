"""The parts of a product detail that both dialects have in common."""

from typing import Any

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.images import DESCRIPTION, GALLERY
from services.sandbox.catalog.localized_text import LocalizedText
from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.skus import Sku, SkuAttribute, build_skus
from services.sandbox.operations.serializers.formatting import Locale, format_yuan

Json = dict[str, Any]


def serialize_common(offer: Offer, locale: Locale) -> Json:
    """Return the members that are the same in both dialects."""
    video = offer.rng.chance("video", 40)
    return {
        "offerId": offer.offer_id,
        "subject": offer.title.zh,
        "subjectTrans": locale.translate(offer.title),
        "description": build_description(offer, locale),
        # The sandbox has no videos. The top-level domain `invalid` never resolves.
        "mainVideo": f"https://example.invalid/video/{offer.offer_id}.mp4" if video else None,
        "detailVideo": None,
        "categoryId": offer.third_category.category_id,
        "categoryName": offer.third_category.noun.zh,
        "isJxhy": offer.jxhy_fen is not None,
        "sellerOpenId": offer.seller.open_id,
        "minOrderQuantity": offer.min_order,
    }


def serialize_attribute(offer: Offer, attribute: SkuAttribute, locale: Locale) -> Json:
    """Return an attribute of a SKU, without the id: the member for it has another name in each dialect."""
    return {
        "attributeName": attribute.name.zh,
        "attributeNameTrans": locale.translate(attribute.name),
        "value": attribute.value.zh,
        "valueTrans": locale.translate(attribute.value),
        "skuImageUrl": locale.image_url(offer, attribute.image) if attribute.image else None,
    }


def list_attributes(offer: Offer) -> tuple[tuple[int, LocalizedText, LocalizedText], ...]:
    """Return (attribute id, name, value) of the attributes that all SKUs share."""
    return (
        (2176, vocabulary.BRAND, offer.rng.choice("brand", vocabulary.BRANDS)),
        (346, vocabulary.ORIGIN, offer.seller.city),
        (287, vocabulary.MATERIAL, offer.material),
        (973, vocabulary.STYLE, offer.style),
    )


def build_description(offer: Offer, locale: Locale) -> str:
    """Return HTML with images."""
    images = "".join(f'<img src="{locale.image_url(offer, number)}">' for number in DESCRIPTION)
    return f"<div>{images}</div>"


def list_gallery(offer: Offer, locale: Locale) -> list[str]:
    """Return the addresses of the gallery images."""
    return [locale.image_url(offer, number) for number in GALLERY]


def format_jxhy_price(offer: Offer, sku: Sku) -> str | None:
    """Return the price of a SKU in 1688's curated supply (jxhy); None if the offer is not in it."""
    return None if offer.jxhy_fen is None else format_yuan(sku.price_fen * 94 // 100)


def count_stock(offer: Offer) -> int:
    """Return the stock of all SKUs together."""
    return sum(sku.stock for sku in build_skus(offer))
