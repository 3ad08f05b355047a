"""One offer in full, on the open platform."""

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.images import TRANSLATED, WHITE_GROUND
from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.skus import Sku, price_tiers, skus
from services.sandbox.operations.serializers.formatting import View, created, seller_data, yuan
from services.sandbox.operations.serializers.product_detail import (
    Member,
    attribute_members,
    attributes,
    description,
    facts,
    gallery,
    jxhy_price,
    stock,
)
from services.sandbox.operations.serializers.search_results import invoice


def open_detail(offer: Offer, view: View) -> Member:
    """The detail on the open platform."""
    dice, seller = offer.dice, offer.seller
    variants = skus(offer)
    return facts(offer, view) | {
        "productImage": {"images": gallery(offer, view), "whiteImage": view.picture(offer, WHITE_GROUND)},
        "productAttribute": [
            {
                "attributeId": str(attribute_id),
                "attributeName": name.zh,
                "value": value.zh,
                "attributeNameTrans": view.translated(name),
                "valueTrans": view.translated(value),
            }
            for attribute_id, name, value in attributes(offer)
        ],
        "productSkuInfos": [_sku(offer, sku, view) for sku in variants],
        "productSaleInfo": _sale(offer, view),
        "productShippingInfo": _shipping(offer, variants),
        "batchNumber": dice.pick("batch", (None, None, 10)),
        "status": "published",
        "tagInfoList": [
            {"key": "isOnePsale", "value": offer.consign_fen is not None},
            {"key": "select", "value": offer.selected},
        ],
        "traceInfo": f"object_id@{offer.offer_id}^object_type@offer",
        "sellerMixSetting": {"generalHunpi": True, "mixAmount": 100, "mixNumber": offer.min_order},
        "productCargoNumber": _cargo_number(offer),
        "sellerDataInfo": {
            **seller_data(seller),
            "collect30DayWithin48HPercent": f"{seller.rate_48h / 100:.2f}",
            "qualityRefundWithin30Day": f"{dice.number('refunds', 0, 5) / 100:.2f}",
        },
        "soldOut": str(offer.sold_ever),
        "channelPrice": {
            "channelSkuPriceList": [
                {"skuId": sku.sku_id, "currentPrice": yuan(sku.price_fen * 93 // 100)} for sku in variants
            ]
        },
        "promotionModel": {
            "hasPromotion": offer.promotion_fen is not None,
            "promotionType": "plus" if offer.promotion_fen is not None else None,
        },
        "tradeScore": f"{dice.number('trade score', 6, 10) / 2:.1f}",
        "topCategoryId": offer.department.category_id,
        "secondCategoryId": offer.aisle.category_id,
        "thirdCategoryId": offer.kind.category_id if dice.chance("third category", 90) else None,
        "sellingPoint": [f"{vocabulary.MATERIAL.zh}:{offer.material.zh}"],
        "offerIdentities": list(seller.identities),
        "createDate": created(offer),
        "isSelect": "true" if offer.selected else "false",
        "certificateList": _certificates(offer, view),
        "promotionUrl": f"https://detail.1688.com/offer/{offer.offer_id}.html",
        "descriptionTrans": description(offer, view),
        "productImageTrans": {"images": [view.picture(offer, TRANSLATED)], "whiteImage": None},
        "companyName": seller.company,
        "invoiceInfo": invoice(offer),
    }


def _sku(offer: Offer, sku: Sku, view: View) -> Member:
    promotion = None if offer.promotion_fen is None else sku.price_fen * 97 // 100
    retail = sku.price_fen * 165 // 100
    return {
        "amountOnSale": sku.stock,
        "price": yuan(sku.price_fen),
        "jxhyPrice": jxhy_price(offer, sku),
        "skuId": sku.sku_id,
        "specId": sku.spec_id,
        "skuAttributes": [
            {"attributeId": attribute.attribute_id}
            | attribute_members(offer, attribute, view)
            | {"skuImageUrlTrans": None}
            for attribute in sku.attributes
        ],
        "pfJxhyPrice": None,
        "consignPrice": None,
        "cargoNumber": _cargo_number(offer),
        "promotionPrice": yuan(promotion),
        "fenxiaoPriceInfo": {
            "onePiecePrice": yuan(sku.price_fen * 108 // 100),
            "offerPrice": yuan(sku.price_fen),
        },
        "foreignCurrencyPrice": view.exchanged(sku.price_fen),
        "foreignCurrencyPromotionPrice": view.exchanged(promotion),
        "retailPrice": yuan(retail),
        "foreignCurrencyRetailPrice": view.exchanged(retail),
    }


def _sale(offer: Offer, view: View) -> Member:
    retail = offer.price_fen * 165 // 100
    tiers = [
        (start, price, None if offer.promotion_fen is None else price * 97 // 100)
        for start, price in price_tiers(offer)
    ]
    return {
        "amountOnSale": stock(offer),
        "priceRangeList": [
            {
                "startQuantity": start,
                "price": yuan(price),
                "promotionPrice": yuan(promotion),
                "foreignCurrencyPrice": view.exchanged(price),
                "foreignCurrencyPromotionPrice": view.exchanged(promotion),
            }
            for start, price, promotion in tiers
        ],
        "foreignCurrencyPrice": view.exchanged(offer.price_fen),
        "quoteType": 2,
        "consignPrice": None,
        "jxhyPrice": None,
        "unitInfo": {"unit": offer.kind.unit.zh, "transUnit": view.translated(offer.kind.unit)},
        "fenxiaoSaleInfo": {
            "onePieceFreePostage": offer.choices["isOnePsaleFreePost"],
            "startQuantity": 1,
            "onePiecePrice": yuan(offer.price_fen * 108 // 100),
            "offerPrice": yuan(offer.price_fen),
        },
        "retailPrice": yuan(retail),
        "foreignCurrencyRetailPrice": view.exchanged(retail),
    }


def _shipping(offer: Offer, variants: tuple[Sku, ...]) -> Member:
    dice = offer.dice
    size = {name: float(dice.number(name, 5, 60)) for name in ("length", "width", "height")}
    official = {f"official{name.capitalize()}": centimetres for name, centimetres in size.items()}
    source = dice.pick("size source", ("商家自填", "官方测量", "预测-同款放大"))
    kilograms = offer.kind.weight_grams / 1000
    return {
        "sendGoodsAddressText": offer.seller.address,
        "weight": kilograms,
        **size,
        "skuShippingInfoList": [
            # Grams here, kilograms everywhere else.
            {"specId": sku.spec_id, "skuId": sku.sku_id, **size, "weight": sku.weight_grams}
            for sku in variants
        ],
        "shippingTimeGuarantee": offer.ships_in,
        "skuShippingDetails": [
            {
                "skuId": str(sku.sku_id),
                **size,
                "weight": sku.weight_grams / 1000,
                "pkgSizeSource": source,
                **official,
                "officialWeight": sku.weight_grams / 1000,
                "aiWeight": sku.weight_grams * 97 // 100 / 1000,
                "aiWeightAccuracy": f"{dice.number('accuracy', 70, 98)}%",
            }
            for sku in variants
        ],
        "pkgSizeSource": source,
        **official,
        "officialWeight": kilograms,
    }


def _certificates(offer: Offer, view: View) -> list[Member]:
    if not offer.dice.chance("certificate", 25):
        return []
    return [
        {
            "certificateName": "外观专利证书或授权书证书",
            "certificateCode": f"ZL 2024 3 {offer.number:07d}.0",
            "certificatePhotoList": [view.picture(offer, WHITE_GROUND)],
        }
    ]


def _cargo_number(offer: Offer) -> str:
    return f"SB-{offer.number:04d}"
