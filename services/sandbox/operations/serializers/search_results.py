"""One offer as a row of a search answer, in either dialect."""

from typing import Any

from services.sandbox.catalog.images import GALLERY, TRANSLATED, WHITE_GROUND
from services.sandbox.catalog.offers import Offer
from services.sandbox.operations.serializers.formatting import (
    View,
    created,
    modified,
    percent,
    seller_data,
    yuan,
)

Row = dict[str, Any]


def national_row(offer: Offer, view: View) -> Row:
    """A row of either search in the national-site dialect."""
    return {
        "imageUrl": view.picture(offer, GALLERY[0]),
        "subject": offer.title.zh,
        "priceInfo": {"price": yuan(offer.price_fen), "jxhyPrice": yuan(offer.jxhy_fen)},
        "offerId": offer.offer_id,
        "isJxhy": offer.jxhy_fen is not None,
    }


def keyword_row(offer: Offer, view: View) -> Row:
    """A row of the keyword search on the open platform."""
    return _open_row(offer, view) | {
        "offerIdentities": ["yx", "select"] if offer.selected else ["yx"],
        "aigcImageUrl": view.picture(offer, TRANSLATED),
        "whiteImage": view.picture(offer, WHITE_GROUND),
    }


def image_row(offer: Offer, view: View) -> Row:
    """A row of the image search on the open platform."""
    dice = offer.dice
    return _open_row(offer, view) | {
        "offerIdentities": ["yx"],
        "companyName": offer.seller.company,
        "companyAddress": offer.seller.address,
        "offerDataInfo": {
            "offerApplauseRate": percent(dice.number("applause", 900, 1000)),
            "kjFeaturedServices": dice.pick("services", ("C", "A;C", "B")),
            "qualityRfdRate30d": percent(dice.number("refunds 30d", 0, 30)),
            "repurchaseRate30d": percent(offer.repurchase_permille),
            "pickupRate24h30d": f"{offer.seller.rate_24h}%",
        },
    }


def _open_row(offer: Offer, view: View) -> Row:
    """What both searches of the open platform tell."""
    dice, seller = offer.dice, offer.seller
    row = {
        "imageUrl": view.picture(offer, GALLERY[0]),
        "subject": offer.title.zh,
        "subjectTrans": view.translated(offer.title),
        "offerId": offer.offer_id,
        "isJxhy": offer.jxhy_fen is not None,
        "priceInfo": {
            "price": yuan(offer.price_fen),
            "jxhyPrice": yuan(offer.jxhy_fen),
            "pfJxhyPrice": yuan(offer.jxhy_fen and offer.jxhy_fen * 97 // 100),
            "consignPrice": yuan(offer.consign_fen),
            "promotionPrice": yuan(offer.promotion_fen),
        },
        "repurchaseRate": f"{offer.repurchase_permille // 10}%",
        "monthSold": offer.sold_30d,
        "traceInfo": f"object_id@{offer.offer_id}^object_type@offer",
        "isOnePsale": offer.consign_fen is not None,
        "sellerIdentities": list(seller.identities),
        "tradeScore": f"{dice.number('trade score', 6, 10) / 2:.1f}",
        "promotionModel": {
            "hasPromotion": offer.promotion_fen is not None,
            "promotionType": "plus" if offer.promotion_fen is not None else None,
        },
        "topCategoryId": offer.department.category_id,
        "secondCategoryId": offer.aisle.category_id,
        "thirdCategoryId": offer.kind.category_id if dice.chance("third category", 90) else None,
        "isPatentProduct": dice.chance("patent", 8),
        "createDate": created(offer),
        "modifyDate": modified(offer),
        "isSelect": offer.selected,
        "minOrderQuantity": offer.min_order,
        "sellerDataInfo": {**seller_data(seller), "tpYear": seller.years},
        "productSimpleShippingInfo": {
            "shippingTimeGuarantee": offer.ships_in,
            "perfectFulfillmentRate30d": f"{dice.number('fulfilled 30d', 90, 100)}.00%",
            "pickupWithin24hRate30d": f"{seller.rate_24h}.00%",
            "qualityReturnRate30d": percent(dice.number("returned 30d", 0, 30)),
            "perfectFulfillmentRate7d": f"{dice.number('fulfilled 7d', 85, 100)}.00%",
            "pickupWithin24hRate7d": f"{seller.rate_24h}.00%",
            "delayedShippingRate7d": percent(dice.number("delayed", 1, 40))
            if dice.chance("late", 50)
            else None,
        },
        "token": dice.hexadecimal("token"),
        "promotionURL": f"https://detail.1688.com/offer/{offer.offer_id}.html?fromkv=refer:SANDBOX",
        "sales7d": str(offer.sold_7d),
        "productTradeInfo": {
            "addCartCount7d": str(offer.sold_7d * 3),
            "payBuyerCount7d": str(offer.sold_7d // 4),
            "addCartCount30d": str(offer.sold_30d * 3),
            "payBuyerCount30d": str(offer.sold_30d // 4),
        },
    }
    # Not every offer tells how it is invoiced.
    return row | {"invoiceInfo": invoice(offer)} if dice.chance("invoice", 85) else row


def invoice(offer: Offer) -> Row:
    """How the seller invoices."""
    dice = offer.dice
    return {
        "supportOnlineInvoice": dice.chance("online invoice", 80),
        "supportFastInvoice": dice.chance("fast invoice", 40),
        "invoiceTypes": ["普票", "专票"] if dice.chance("special invoice", 50) else ["普票"],
        "taxpayerType": dice.pick("taxpayer", ("一般纳税人", "小规模纳税人", None)),
    }
