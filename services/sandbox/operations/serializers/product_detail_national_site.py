"""Serializes a product detail in the national-site dialect."""

from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.skus import build_price_tiers, build_skus
from services.sandbox.operations.serializers.formatting import Locale, format_yuan
from services.sandbox.operations.serializers.product_detail import (
    Json,
    count_stock,
    format_jxhy_price,
    list_attributes,
    list_gallery,
    serialize_attribute,
    serialize_common,
)


def serialize_national_site_detail(offer: Offer, locale: Locale) -> Json:
    """Return the detail of an offer."""
    return serialize_common(offer, locale) | {
        "productImage": {"images": list_gallery(offer, locale)},
        "productAttribute": [
            {"attributeId": attribute_id, "attributeName": name.zh, "value": value.zh}
            for attribute_id, name, value in list_attributes(offer)
        ],
        "productSkuInfos": [
            {
                "amountOnSale": sku.stock,
                "price": format_yuan(sku.price_fen),
                "jxhyPrice": format_jxhy_price(offer, sku),
                "skuId": sku.sku_id,
                "specId": sku.spec_id,
                # In this dialect, a SKU shows only one attribute. The sandbox shows the first, the colour.
                "skuAttribute": {"attributeID": sku.attributes[0].attribute_id}
                | serialize_attribute(offer, sku.attributes[0], locale),
            }
            for sku in build_skus(offer)
        ],
        "productSaleInfo": {
            "priceRanges": [
                {"startQuantity": start, "price": format_yuan(price)}
                for start, price in build_price_tiers(offer)
            ],
            "amountOnSale": count_stock(offer),
        },
        "productShippingInfo": {"sendGoodsAddressText": offer.seller.address},
    }
