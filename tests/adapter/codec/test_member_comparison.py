"""Unknown and absent members of a response."""

import json
from typing import Any

import pytest

from services.adapter.codec import Json, MemberDifferences, parse
from tests.adapter.codec.test_samples import OPERATION_CASES, OPERATIONS
from tests.support.sample_cases import ResponseCase

DOCUMENTED = [
    case
    for case in OPERATION_CASES
    if case.error is None and not case.name.startswith(("quirks/", "partial/"))
]


@pytest.mark.parametrize("case", DOCUMENTED, ids=lambda case: case.name)
def test_documented_responses_have_no_unknown_members(case: ResponseCase) -> None:
    operation = OPERATIONS[case.dialect, case.rpc]
    assert operation.compare_members(parse(case.body)).unknown == ()


@pytest.mark.parametrize(
    "case", [case for case in DOCUMENTED if case.body.lstrip()[:1] == b"{"], ids=lambda case: case.name
)
def test_a_new_member_of_the_outermost_object_is_found(case: ResponseCase) -> None:
    response: Any = parse(case.body)
    differences = OPERATIONS[case.dialect, case.rpc].compare_members({**response, "brandNew": 1})
    assert differences.unknown == ("brandNew",)


def compare(rpc: str, response: Json, dialect: str = "open-platform") -> MemberDifferences:
    return OPERATIONS[dialect, rpc].compare_members(response)


def wrap(payload: Json) -> Json:
    return {"result": {"success": True, "code": "200", "result": payload}}


def test_members_are_found_at_every_depth() -> None:
    response = {
        "traceTime": 1,
        "result": {
            "success": True,
            "envelopeNew": {"inner": 1},
            "result": {
                "pageNew": 1,
                "data": [
                    {"offerId": 1, "priceInfo": {"price": "1", "priceNew": 1}},
                    {"offerId": 2, "offerNew": None, "priceInfo": {"priceNew": 1}},
                ],
            },
        },
    }
    assert compare("SearchByKeyword", response).unknown == (
        "traceTime",
        "result.envelopeNew",
        "result.result.pageNew",
        "result.result.data.priceInfo.priceNew",
        "result.result.data.offerNew",
    )


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("as_list", [False, True])
def test_objects_are_found_as_the_tolerant_decoder_finds_them(as_text: bool, as_list: bool) -> None:
    """An object may be JSON text, or the only element of a list."""
    payload: Any = {"data": {"offerId": 1, "priceInfo": {"price": "1", "priceNew": 1}}}
    payload = [payload] if as_list else payload
    response = wrap(json.dumps(payload) if as_text else payload)
    assert compare("SearchByKeyword", response).unknown == ("result.result.data.priceInfo.priceNew",)


def test_a_member_is_absent_if_no_object_has_it() -> None:
    offers: Json = [{"offerId": 1, "priceInfo": {"price": "1"}}, {"offerId": 2, "subject": None}]
    absent = compare("SearchByKeyword", wrap({"data": offers, "totalRecords": 2})).absent
    path = "result.result."
    assert {f"{path}data.imageUrl", f"{path}data.priceInfo.jxhyPrice", f"{path}currentPage"} <= set(absent)
    present = {"totalRecords", "data", "data.offerId", "data.subject", "data.priceInfo.price"}
    assert not {path + name for name in present} & set(absent)


def test_the_content_of_an_absent_member_is_not_listed() -> None:
    path = "result.result."
    absent = compare("SearchByKeyword", wrap({"totalRecords": 0})).absent
    assert f"{path}data" in absent
    assert not any(each.startswith(f"{path}data.") for each in absent)


def test_only_members_that_the_dialect_documents_can_be_absent() -> None:
    """`searchOfferModelList` is the national site's name of `data`; either counts as present."""
    page: Json = {"searchOfferModelList": [{"offerId": 1}]}
    assert "result.result.data" not in compare("SearchByKeyword", wrap(page)).absent
    absent = compare(
        "SearchByKeyword", {"success": True, "data": {"totalRecords": 1}}, "national-site"
    ).absent
    assert "data.searchOfferModelList" in absent
    assert "data.data" not in absent
