"""One offer in full, in the national-site dialect."""

from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.skus import price_tiers, skus
from services.sandbox.operations.serializers.formatting import View, yuan
from services.sandbox.operations.serializers.product_detail import (
    Member,
    attribute_members,
    attributes,
    facts,
    gallery,
    jxhy_price,
    stock,
)


def national_detail(offer: Offer, view: View) -> Member:
    """The detail in the national-site dialect."""
    return facts(offer, view) | {
        "productImage": {"images": gallery(offer, view)},
        "productAttribute": [
            {"attributeId": attribute_id, "attributeName": name.zh, "value": value.zh}
            for attribute_id, name, value in attributes(offer)
        ],
        "productSkuInfos": [
            {
                "amountOnSale": sku.stock,
                "price": yuan(sku.price_fen),
                "jxhyPrice": jxhy_price(offer, sku),
                "skuId": sku.sku_id,
                "specId": sku.spec_id,
                # This dialect has room for one attribute: the first, which is the colour.
                "skuAttribute": {"attributeID": sku.attributes[0].attribute_id}
                | attribute_members(offer, sku.attributes[0], view),
            }
            for sku in skus(offer)
        ],
        "productSaleInfo": {
            "priceRanges": [
                {"startQuantity": start, "price": yuan(price)} for start, price in price_tiers(offer)
            ],
            "amountOnSale": stock(offer),
        },
        "productShippingInfo": {"sendGoodsAddressText": offer.seller.address},
    }
