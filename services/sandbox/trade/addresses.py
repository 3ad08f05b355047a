"""Receive addresses: the districts that the sandbox knows, and the addresses that the buyer has saved."""

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_ADDRESS_ID = 1_000_000_001


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """A district of China with its six-digit code."""

    code: str
    province: str
    city: str
    area: str = ""
    """Empty for a city without districts."""

    @property
    def text(self) -> str:
        """Province, city and district, separated by blanks."""
        return " ".join(part for part in (self.province, self.city, self.area) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the goods of an order are sent."""

    full_name: str
    mobile: str
    phone: str = ""
    district: District
    town: str = ""
    street: str
    post_code: str = "000000"


def _district(code: str, province: str, city: str, area: str = "") -> District:
    return District(code=code, province=province, city=city, area=area)


DISTRICTS: Mapping[str, District] = {
    district.code: district
    for district in (
        _district("110105", "北京", "北京市", "朝阳区"),
        _district("310105", "上海", "上海市", "长宁区"),
        _district("330106", "浙江省", "杭州市", "西湖区"),
        _district("330108", "浙江省", "杭州市", "滨江区"),
        _district("440106", "广东省", "广州市", "天河区"),
        _district("441900", "广东省", "东莞市"),
    )
}
"""By code. 1688 knows all districts; these suffice for tests."""

SAVED_ADDRESSES: Mapping[int, Address] = {
    DEFAULT_ADDRESS_ID: Address(
        full_name="测试收件人", mobile="13000000000", district=DISTRICTS["330108"], street="测试路1号"
    ),
    DEFAULT_ADDRESS_ID + 1: Address(
        full_name="测试仓库",
        mobile="13000000003",
        district=DISTRICTS["441900"],
        town="长安镇",
        street="测试路3号",
    ),
}
"""The buyer's saved addresses by id."""


def find_district(province: str, city: str, area: str) -> District | None:
    """Return the district with these names."""
    return next(
        (
            district
            for district in DISTRICTS.values()
            if (district.province, district.city, district.area) == (province, city, area)
        ),
        None,
    )


def parse_address(text: str) -> tuple[District, str] | None:
    """Return the district at the beginning of a text, and the street after it. None if there is none.

    The names of province, city and district may be separated by blanks.
    """
    for district in DISTRICTS.values():
        rest = text.strip()
        for name in filter(None, (district.province, district.city, district.area)):
            if not rest.startswith(name):
                break
            rest = rest.removeprefix(name).lstrip()
        else:
            return district, rest
    return None
