"""Serializes a product detail in the open-platform dialect."""

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.images import TRANSLATED, WHITE_BACKGROUND
from services.sandbox.catalog.offers import PROMOTION_PERCENT, Offer
from services.sandbox.catalog.skus import Sku, build_price_tiers, build_skus
from services.sandbox.operations.serializers.formatting import (
    Locale,
    format_created_date,
    format_yuan,
    serialize_seller_data,
)
from services.sandbox.operations.serializers.product_detail import (
    Json,
    build_description,
    count_stock,
    format_jxhy_price,
    list_attributes,
    list_gallery,
    serialize_attribute,
    serialize_common,
)
from services.sandbox.operations.serializers.search_results import serialize_invoice


def serialize_open_platform_detail(offer: Offer, locale: Locale) -> Json:
    """Return the detail of an offer."""
    rng, seller = offer.rng, offer.seller
    skus = build_skus(offer)
    return serialize_common(offer, locale) | {
        "productImage": {
            "images": list_gallery(offer, locale),
            "whiteImage": locale.image_url(offer, WHITE_BACKGROUND),
        },
        "productAttribute": [
            {
                "attributeId": str(attribute_id),
                "attributeName": name.zh,
                "value": value.zh,
                "attributeNameTrans": locale.translate(name),
                "valueTrans": locale.translate(value),
            }
            for attribute_id, name, value in list_attributes(offer)
        ],
        "productSkuInfos": [_serialize_sku(offer, sku, locale) for sku in skus],
        "productSaleInfo": _serialize_sale(offer, locale),
        "productShippingInfo": _serialize_shipping(offer, skus),
        "batchNumber": rng.choice("batch", (None, None, 10)),
        "status": "published",
        "tagInfoList": [
            {"key": "isOnePsale", "value": offer.consign_fen is not None},
            {"key": "select", "value": offer.selected},
        ],
        "traceInfo": f"object_id@{offer.offer_id}^object_type@offer",
        "sellerMixSetting": {"generalHunpi": True, "mixAmount": 100, "mixNumber": offer.min_order},
        "productCargoNumber": _format_cargo_number(offer),
        "sellerDataInfo": {
            **serialize_seller_data(seller),
            "collect30DayWithin48HPercent": f"{seller.pickup_rate_48h / 100:.2f}",
            "qualityRefundWithin30Day": f"{rng.randint('refunds', 0, 5) / 100:.2f}",
        },
        "soldOut": str(offer.sold_ever),
        "channelPrice": {
            "channelSkuPriceList": [
                {"skuId": sku.sku_id, "currentPrice": format_yuan(sku.price_fen * 93 // 100)} for sku in skus
            ]
        },
        "promotionModel": {
            "hasPromotion": offer.promotion_fen is not None,
            "promotionType": "plus" if offer.promotion_fen is not None else None,
        },
        "tradeScore": f"{rng.randint('trade score', 6, 10) / 2:.1f}",
        "topCategoryId": offer.top_category.category_id,
        "secondCategoryId": offer.second_category.category_id,
        "thirdCategoryId": offer.third_category.category_id if rng.chance("third category", 90) else None,
        "sellingPoint": [f"{vocabulary.MATERIAL.zh}:{offer.material.zh}"],
        "offerIdentities": list(seller.identities),
        "createDate": format_created_date(offer),
        "isSelect": "true" if offer.selected else "false",
        "certificateList": _list_certificates(offer, locale),
        "promotionUrl": f"https://detail.1688.com/offer/{offer.offer_id}.html",
        "descriptionTrans": build_description(offer, locale),
        "productImageTrans": {"images": [locale.image_url(offer, TRANSLATED)], "whiteImage": None},
        "companyName": seller.company,
        "invoiceInfo": serialize_invoice(offer),
    }


def _serialize_sku(offer: Offer, sku: Sku, locale: Locale) -> Json:
    promotion = None if offer.promotion_fen is None else sku.price_fen * PROMOTION_PERCENT // 100
    retail = sku.price_fen * 165 // 100
    return {
        "amountOnSale": sku.stock,
        "price": format_yuan(sku.price_fen),
        "jxhyPrice": format_jxhy_price(offer, sku),
        "skuId": sku.sku_id,
        "specId": sku.spec_id,
        "skuAttributes": [
            {"attributeId": attribute.attribute_id}
            | serialize_attribute(offer, attribute, locale)
            | {"skuImageUrlTrans": None}
            for attribute in sku.attributes
        ],
        "pfJxhyPrice": None,
        "consignPrice": None,
        "cargoNumber": _format_cargo_number(offer),
        "promotionPrice": format_yuan(promotion),
        "fenxiaoPriceInfo": {
            "onePiecePrice": format_yuan(sku.price_fen * 108 // 100),
            "offerPrice": format_yuan(sku.price_fen),
        },
        "foreignCurrencyPrice": locale.convert_currency(sku.price_fen),
        "foreignCurrencyPromotionPrice": locale.convert_currency(promotion),
        "retailPrice": format_yuan(retail),
        "foreignCurrencyRetailPrice": locale.convert_currency(retail),
    }


def _serialize_sale(offer: Offer, locale: Locale) -> Json:
    retail = offer.price_fen * 165 // 100
    tiers = [
        (start, price, None if offer.promotion_fen is None else price * PROMOTION_PERCENT // 100)
        for start, price in build_price_tiers(offer)
    ]
    return {
        "amountOnSale": count_stock(offer),
        "priceRangeList": [
            {
                "startQuantity": start,
                "price": format_yuan(price),
                "promotionPrice": format_yuan(promotion),
                "foreignCurrencyPrice": locale.convert_currency(price),
                "foreignCurrencyPromotionPrice": locale.convert_currency(promotion),
            }
            for start, price, promotion in tiers
        ],
        "foreignCurrencyPrice": locale.convert_currency(offer.price_fen),
        "quoteType": 2,
        "consignPrice": None,
        "jxhyPrice": None,
        "unitInfo": {
            "unit": offer.third_category.unit.zh,
            "transUnit": locale.translate(offer.third_category.unit),
        },
        "fenxiaoSaleInfo": {
            "onePieceFreePostage": offer.filter_matches["isOnePsaleFreePost"],
            "startQuantity": 1,
            "onePiecePrice": format_yuan(offer.price_fen * 108 // 100),
            "offerPrice": format_yuan(offer.price_fen),
        },
        "retailPrice": format_yuan(retail),
        "foreignCurrencyRetailPrice": locale.convert_currency(retail),
    }


def _serialize_shipping(offer: Offer, skus: tuple[Sku, ...]) -> Json:
    rng = offer.rng
    dimensions = {name: float(rng.randint(name, 5, 60)) for name in ("length", "width", "height")}
    official = {f"official{name.capitalize()}": centimetres for name, centimetres in dimensions.items()}
    source = rng.choice("size source", ("商家自填", "官方测量", "预测-同款放大"))
    kilograms = offer.third_category.weight_grams / 1000
    return {
        "sendGoodsAddressText": offer.seller.address,
        "weight": kilograms,
        **dimensions,
        "skuShippingInfoList": [
            # This weight is in grams, all others are in kilograms.
            {"specId": sku.spec_id, "skuId": sku.sku_id, **dimensions, "weight": sku.weight_grams}
            for sku in skus
        ],
        "shippingTimeGuarantee": offer.shipping_promise,
        "skuShippingDetails": [
            {
                "skuId": str(sku.sku_id),
                **dimensions,
                "weight": sku.weight_grams / 1000,
                "pkgSizeSource": source,
                **official,
                "officialWeight": sku.weight_grams / 1000,
                "aiWeight": sku.weight_grams * 97 // 100 / 1000,
                "aiWeightAccuracy": f"{rng.randint('accuracy', 70, 98)}%",
            }
            for sku in skus
        ],
        "pkgSizeSource": source,
        **official,
        "officialWeight": kilograms,
    }


def _list_certificates(offer: Offer, locale: Locale) -> list[Json]:
    if not offer.rng.chance("certificate", 25):
        return []
    return [
        {
            "certificateName": "外观专利证书或授权书证书",
            "certificateCode": f"ZL 2024 3 {offer.number:07d}.0",
            "certificatePhotoList": [locale.image_url(offer, WHITE_BACKGROUND)],
        }
    ]


def _format_cargo_number(offer: Offer) -> str:
    return f"SB-{offer.number:04d}"
