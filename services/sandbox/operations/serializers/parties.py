"""The buyer and the seller of an order, and the address of the seller, as reads return them."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from services.sandbox.catalog.sellers import SELLER_COUNT, Seller, build_seller
from services.sandbox.credentials import MEMBER_ID
from services.sandbox.trade.addresses import DISTRICTS, District

BUYER_LOGIN_ID = "demo_buyer"
BUYER_USER_ID: Final = int(MEMBER_ID.removeprefix("b2b-"))
SELLER_DISTRICT: Final[District] = DISTRICTS["440106"]
"""All sellers of the sandbox send from the same street."""
SELLER_STREET = "测试路2号"
SELLER_MOBILE = "13000000001"
SELLER_NAME = "测试卖家"


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerAccount:
    """The account of a seller at 1688."""

    member_id: str
    user_id: int
    login_id: str
    company: str


def find_seller_account(member_id: str) -> SellerAccount:
    """Return the account of a seller."""
    seller = _index_sellers()[member_id]
    return SellerAccount(
        member_id=member_id,
        # A member id is b2b-, the ten digits of the user id, and five hexadecimal digits.
        user_id=int(member_id.removeprefix("b2b-")[:10]),
        login_id=seller.company,
        company=seller.company,
    )


def serialize_contact(name: str, mobile: str, company: str, login_id: str) -> dict[str, Any]:
    """Return buyerContact or sellerContact of an order."""
    return {
        "phone": "",
        "fax": "",
        "email": "",
        "imInPlatform": login_id,
        "name": name,
        "mobile": mobile,
        "companyName": company,
    }


@cache
def _index_sellers() -> dict[str, Seller]:
    return {seller.member_id: seller for seller in map(build_seller, range(SELLER_COUNT))}
