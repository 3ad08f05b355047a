"""The filters and sort orders of searches, as the filter configuration API returns them. Data only."""

from collections.abc import Mapping, Sequence
from typing import Any


def _switch(choice_key: str, name: str) -> Mapping[str, Any]:
    return {"choiceKey": choice_key, "filterName": name, "type": "0"}


def _group(name: str, *choices: tuple[str, str]) -> Mapping[str, Any]:
    values = [{"choiceKey": key, "choiceName": label} for key, label in choices]
    return {"filterName": name, "type": "1", "valueList": values}


def _sort(field: str, name: str) -> Mapping[str, Any]:
    return {"choiceKey": field, "filterName": name, "type": "2"}


FILTER_CONFIG: Sequence[Mapping[str, Any]] = (
    {
        "configList": [
            _switch("certifiedFactory", "Certified Factory"),
            _group(
                "Comprehensive Experience Score",
                ("totalEpScoreLv1", "5 Stars"),
                ("totalEpScoreLv2", "4.5 Stars-5.0 Stars"),
                ("totalEpScoreLv3", "4 Stars-4.5 Stars"),
                ("totalEpScoreLv4", "Below 4 Stars"),
            ),
            _group(
                "24-Hour Collection Rate",
                ("getRate24HLv3", ">=99%"),
                ("getRate24HLv2", ">=95%"),
                ("getRate24HLv1", "<95%"),
            ),
            _group(
                "48-Hour Collection Rate",
                ("getRate48HLv3", ">=99%"),
                ("getRate48HLv2", ">=95%"),
                ("getRate48HLv1", "<95%"),
            ),
        ],
        "configName": "Service Quality",
        "configType": "filter",
    },
    {
        "configList": [
            _switch("freeCredit", "Free Credit"),
            _switch("shipInToday", "Ship Today"),
            _switch("shipIn24Hours", "Ship in 24 Hours"),
            _switch("shipIn48Hours", "Ship in 48 Hours"),
            _switch("noReason7DReturn", "7-Day No Reason Return"),
            _switch("isOnePsale", "Support One-Piece Delivery"),
            _switch("isOnePsaleFreePost", "Support Free Shipping"),
            _switch("dyCiphertext", "Support Douyin Ciphertext Printing"),
            _switch("ksCiphertext", "Support Kuaishou Ciphertext Printing"),
        ],
        "configName": "Service Assurance",
        "configType": "filter",
    },
    {
        "configList": [
            _sort("onePPrice", "Price Sorting"),
            _sort("rePurchaseRate", "30-Day Repurchase Rate"),
            _sort("monthSoldOut", "30-Day Sales"),
        ],
        "configName": "Comprehensive Sorting",
        "configType": "sort",
    },
)
