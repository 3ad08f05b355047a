"""Serializes the results of searches, in either dialect."""

from collections.abc import Callable
from typing import Any

from services.sandbox.catalog.image_similarity import Region, UploadedImage
from services.sandbox.catalog.images import GALLERY, TRANSLATED, WHITE_BACKGROUND
from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.search import Page
from services.sandbox.http.dialect import Dialect
from services.sandbox.operations.serializers.formatting import (
    Locale,
    format_created_date,
    format_modified_date,
    format_percent,
    format_yuan,
    serialize_seller_data,
)

Json = dict[str, Any]
ResultSerializer = Callable[[Offer, Locale], Json]


def serialize_page(page: Page, dialect: Dialect, locale: Locale, serialize_result: ResultSerializer) -> Json:
    """Return a page of results.

    `serialize_result` is for open-platform. In national-site, the results of both searches have one form.
    """
    is_national_site = dialect is Dialect.NATIONAL_SITE
    serialize = _serialize_national_site_result if is_national_site else serialize_result
    return {
        "totalRecords": page.total,
        "totalPage": page.page_count,
        "pageSize": page.size,
        "currentPage": page.number,
        "searchOfferModelList" if is_national_site else "data": [
            serialize(offer, locale) for offer in page.offers
        ],
    }


def serialize_regions(image: UploadedImage, region: Region | None) -> Json:
    """Return the region that was searched for, and the regions that 1688 would propose."""
    whole = (0, image.width, 0, image.height)
    middle = (image.width // 4, image.width * 3 // 4, image.height // 4, image.height * 3 // 4)
    return {
        "currentRegion": ",".join(map(str, region or whole)),
        "yoloCropRegion": ";".join(",".join(map(str, crop)) for crop in (whole, middle)),
    }


def _serialize_national_site_result(offer: Offer, locale: Locale) -> Json:
    """Return a result of either search in the national-site dialect."""
    return {
        "imageUrl": locale.image_url(offer, GALLERY[0]),
        "subject": offer.title.zh,
        "priceInfo": {"price": format_yuan(offer.price_fen), "jxhyPrice": format_yuan(offer.jxhy_fen)},
        "offerId": offer.offer_id,
        "isJxhy": offer.jxhy_fen is not None,
    }


def serialize_keyword_result(offer: Offer, locale: Locale) -> Json:
    """Return a result of the keyword search on the open platform."""
    return _serialize_open_platform_result(offer, locale) | {
        "offerIdentities": ["yx", "select"] if offer.selected else ["yx"],
        "aigcImageUrl": locale.image_url(offer, TRANSLATED),
        "whiteImage": locale.image_url(offer, WHITE_BACKGROUND),
    }


def serialize_image_result(offer: Offer, locale: Locale) -> Json:
    """Return a result of the image search on the open platform."""
    rng = offer.rng
    return _serialize_open_platform_result(offer, locale) | {
        "offerIdentities": ["yx"],
        "companyName": offer.seller.company,
        "companyAddress": offer.seller.address,
        "offerDataInfo": {
            "offerApplauseRate": format_percent(rng.randint("applause", 900, 1000)),
            "kjFeaturedServices": rng.choice("services", ("C", "A;C", "B")),
            "qualityRfdRate30d": format_percent(rng.randint("refunds 30d", 0, 30)),
            "repurchaseRate30d": format_percent(offer.repurchase_permille),
            "pickupRate24h30d": f"{offer.seller.pickup_rate_24h}%",
        },
    }


def _serialize_open_platform_result(offer: Offer, locale: Locale) -> Json:
    """Return the members that both searches of the open platform have in common."""
    rng, seller = offer.rng, offer.seller
    result = {
        "imageUrl": locale.image_url(offer, GALLERY[0]),
        "subject": offer.title.zh,
        "subjectTrans": locale.translate(offer.title),
        "offerId": offer.offer_id,
        "isJxhy": offer.jxhy_fen is not None,
        "priceInfo": {
            "price": format_yuan(offer.price_fen),
            "jxhyPrice": format_yuan(offer.jxhy_fen),
            "pfJxhyPrice": format_yuan(offer.jxhy_fen and offer.jxhy_fen * 97 // 100),
            "consignPrice": format_yuan(offer.consign_fen),
            "promotionPrice": format_yuan(offer.promotion_fen),
        },
        "repurchaseRate": f"{offer.repurchase_permille // 10}%",
        "monthSold": offer.sold_30d,
        "traceInfo": f"object_id@{offer.offer_id}^object_type@offer",
        "isOnePsale": offer.consign_fen is not None,
        "sellerIdentities": list(seller.identities),
        "tradeScore": f"{rng.randint('trade score', 6, 10) / 2:.1f}",
        "promotionModel": {
            "hasPromotion": offer.promotion_fen is not None,
            "promotionType": "plus" if offer.promotion_fen is not None else None,
        },
        "topCategoryId": offer.top_category.category_id,
        "secondCategoryId": offer.second_category.category_id,
        "thirdCategoryId": offer.third_category.category_id if rng.chance("third category", 90) else None,
        "isPatentProduct": rng.chance("patent", 8),
        "createDate": format_created_date(offer),
        "modifyDate": format_modified_date(offer),
        "isSelect": offer.selected,
        "minOrderQuantity": offer.min_order,
        "sellerDataInfo": {**serialize_seller_data(seller), "tpYear": seller.years},
        "productSimpleShippingInfo": {
            "shippingTimeGuarantee": offer.shipping_promise,
            "perfectFulfillmentRate30d": f"{rng.randint('fulfilled 30d', 90, 100)}.00%",
            "pickupWithin24hRate30d": f"{seller.pickup_rate_24h}.00%",
            "qualityReturnRate30d": format_percent(rng.randint("returned 30d", 0, 30)),
            "perfectFulfillmentRate7d": f"{rng.randint('fulfilled 7d', 85, 100)}.00%",
            "pickupWithin24hRate7d": f"{seller.pickup_rate_24h}.00%",
            "delayedShippingRate7d": format_percent(rng.randint("delayed", 1, 40))
            if rng.chance("late", 50)
            else None,
        },
        "token": rng.hex_digits("token"),
        "promotionURL": f"https://detail.1688.com/offer/{offer.offer_id}.html?fromkv=refer:SANDBOX",
        "sales7d": str(offer.sold_7d),
        "productTradeInfo": {
            "addCartCount7d": str(offer.sold_7d * 3),
            "payBuyerCount7d": str(offer.sold_7d // 4),
            "addCartCount30d": str(offer.sold_30d * 3),
            "payBuyerCount30d": str(offer.sold_30d // 4),
        },
    }
    # Not every offer has this member.
    return result | {"invoiceInfo": serialize_invoice(offer)} if rng.chance("invoice", 85) else result


def serialize_invoice(offer: Offer) -> Json:
    """Return how the seller writes invoices."""
    rng = offer.rng
    return {
        "supportOnlineInvoice": rng.chance("online invoice", 80),
        "supportFastInvoice": rng.chance("fast invoice", 40),
        "invoiceTypes": ["普票", "专票"] if rng.chance("special invoice", 50) else ["普票"],
        "taxpayerType": rng.choice("taxpayer", ("一般纳税人", "小规模纳税人", None)),
    }
