"""What becomes of a call's failures, and what is counted and logged of it."""

import json
from typing import Any

import pytest
import structlog
from google.type import money_pb2
from nationalsite.account import v1 as account_v1
from nationalsite.ordersync import v1 as ordersync_v1
from nationalsite.product import v1 as product_v1
from prometheus_client import REGISTRY

from services.adapter import OperationClient
from services.adapter.codec import Dialect, SchemaError, compile_service
from services.adapter.gateway import UpstreamReply
from services.errors import (
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    DeadlineExceededInFlight,
    NationalsiteError,
    OperationNotInDialect,
    OutcomeUnknown,
    RequiredInDialect,
    UpstreamFault,
    UpstreamPermission,
    UpstreamRate,
    UpstreamRefused,
    UpstreamUnreadable,
)
from tests.support.sample_cases import SERVICES

BUYER = account_v1.CountryAccount(
    country="japan",
    site="sniff",
    out_login_name="hanako",
    out_member_id="member-1",
    email="hanako@example.com",
    mobile="090 1234-5678",
    mobile_area="JP",
    ip="192.0.2.10",
)
REGISTER = account_v1.RegisterUserRequest(country_account=BUYER)
SEARCH = product_v1.SearchByKeywordRequest(keyword="cookies")


class Gateway:
    """Answers every call alike, and keeps what it was given."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.idempotent: list[bool] = []

    async def call(self, api: str, form: dict[str, str], *, idempotent: bool, **rest: Any) -> UpstreamReply:
        self.calls.append((api, dict(form)))
        self.idempotent.append(idempotent)
        if isinstance(self.answer, Exception):
            raise self.answer
        return UpstreamReply(value=self.answer, request_id="r-1")

    def secrets(self) -> tuple[str, ...]:
        return ("our-secret",)


def operations(answer: object, dialect: Dialect = Dialect.NATIONAL_SITE) -> OperationClient:
    compiled = {
        rpc: each for service in SERVICES.values() for rpc, each in compile_service(service, dialect).items()
    }
    return OperationClient(compiled, Gateway(answer))


async def failure(answer: object, rpc: str, request: Any) -> NationalsiteError:
    with pytest.raises(NationalsiteError) as raised:
        await operations(answer).call(rpc, request, deadline=0)
    return raised.value


MAY_HAVE_RUN = [
    ConnectionLost("the connection broke"),
    DeadlineExceededInFlight("too late"),
    UpstreamFault("HTTP 503", code="503"),
    UpstreamUnreadable("no JSON"),
    UpstreamRefused("UPSTREAM_FAULT", "1688 refused the call"),
]
NOT_RUN = [
    ConnectError("no connection"),
    DeadlineExceeded("too late"),
    UpstreamPermission("1688 refuses", code="gw.APIACLDecline"),
    UpstreamRate("too often"),
    UpstreamRefused("ACCOUNT_EXISTS", "1688 refused the call"),
]


@pytest.mark.parametrize("error", MAY_HAVE_RUN, ids=lambda error: type(error).__name__)
async def test_a_call_that_must_not_be_repeated_and_may_have_run(error: NationalsiteError) -> None:
    told = await failure(error, "RegisterUser", REGISTER)
    assert type(told) is OutcomeUnknown
    assert told.__cause__ is error
    assert told.code == getattr(error, "code", "")
    assert str(told) == f"{error}; it is not known whether 1688 executed the call"


@pytest.mark.parametrize("error", NOT_RUN, ids=lambda error: type(error).__name__)
async def test_a_call_that_did_not_run(error: NationalsiteError) -> None:
    assert await failure(error, "RegisterUser", REGISTER) is error


@pytest.mark.parametrize("error", MAY_HAVE_RUN + NOT_RUN, ids=lambda error: type(error).__name__)
async def test_a_call_that_may_be_repeated(error: NationalsiteError) -> None:
    assert await failure(error, "SearchByKeyword", SEARCH) is error


async def test_the_gateway_is_told_what_may_be_repeated() -> None:
    compiled = compile_service(SERVICES["product"], Dialect.NATIONAL_SITE)
    compiled |= compile_service(SERVICES["account"], Dialect.NATIONAL_SITE)
    for non_idempotent, idempotent in (((), [True, True, False]), (("UploadImage",), [True, False, False])):
        gateway = Gateway(ConnectionLost("the connection broke"))
        for rpc, request in (
            ("SearchByKeyword", SEARCH),
            ("UploadImage", product_v1.UploadImageRequest(image=b"x", out_member_id="member-1")),
            ("RegisterUser", REGISTER),
        ):
            expected = OutcomeUnknown if rpc == "RegisterUser" or rpc in non_idempotent else ConnectionLost
            with pytest.raises(expected):
                await OperationClient(compiled, gateway, non_idempotent=non_idempotent).call(
                    rpc, request, deadline=0
                )
        assert gateway.idempotent == idempotent


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"success": True}, OutcomeUnknown),
        ({"success": True, "result": "perhaps"}, OutcomeUnknown),
        ({"success": False, "message": "已注册"}, UpstreamRefused),
        ({"success": True, "result": False}, UpstreamRefused),
    ],
)
async def test_what_an_answer_leaves_open(answer: object, told: type[NationalsiteError]) -> None:
    found = await failure(answer, "RegisterUser", REGISTER)
    assert type(found) is told
    assert found.request_id == "r-1"


async def test_1688s_words_are_told_without_the_buyer_and_our_secrets() -> None:
    text = "用户hanako(HANAKO@example.com,电话090 1234-5678,ip192.0.2.10)our-secret已注册"
    error = await failure({"success": False, "code": "hanako", "message": text}, "RegisterUser", REGISTER)
    assert (error.reason, error.code) == ("ACCOUNT_EXISTS", "***")
    assert error.upstream_message == "用户***(***,电话***,ip***)***已注册"


async def test_code_and_id_of_a_failure_are_bound_to_the_log() -> None:
    structlog.contextvars.clear_contextvars()
    await failure({"success": False, "code": "S1"}, "SearchByKeyword", SEARCH)
    assert structlog.contextvars.get_contextvars() == {"upstream_code": "S1", "upstream_request_id": "r-1"}
    structlog.contextvars.clear_contextvars()


async def test_an_operation_that_the_dialect_lacks_is_not_called() -> None:
    there = operations({}, Dialect.OPEN_PLATFORM)
    with pytest.raises(OperationNotInDialect, match="open-platform"):
        await there.call("GetFilterConfig", product_v1.GetFilterConfigRequest(), deadline=0)
    assert there._gateway.calls == []


async def test_nothing_is_sent_of_a_request_that_cannot_be_sent() -> None:
    there = operations({}, Dialect.OPEN_PLATFORM)
    with pytest.raises(RequiredInDialect):
        await there.call("SearchByKeyword", SEARCH, deadline=0)
    with pytest.raises(RequiredInDialect):
        there.check_request("SearchByKeyword", SEARCH)
    assert there._gateway.calls == []


def _count(name: str, rpc: str, field: str) -> float:
    return REGISTRY.get_sample_value(f"nationalsite_fields_{name}_total", {"rpc": rpc, "field": field}) or 0


async def test_what_cannot_be_read_is_counted_and_logged_by_path() -> None:
    offers = [{"offerId": "secret-value", "priceInfo": {"price": "9.80-12"}}, {"offerId": "another"}]
    answer = {"success": True, "data": {"searchOfferModelList": offers}}
    paths = ("offers.offer_id", "offers.price_info.price")
    before = [_count("unreadable", "SearchByKeyword", path) for path in paths]
    with structlog.testing.capture_logs() as lines:
        response = await operations(answer).call("SearchByKeyword", SEARCH, deadline=0)
    assert len(product_v1.SearchByKeywordResponse.FromString(response).offers) == 2
    after = [_count("unreadable", "SearchByKeyword", path) for path in paths]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1]
    assert lines == [
        {
            "event": "unreadable_fields",
            "log_level": "warning",
            "rpc": "SearchByKeyword",
            "fields": list(paths),
        }
    ]


async def test_nothing_is_logged_of_an_answer_that_can_be_read() -> None:
    with structlog.testing.capture_logs() as lines:
        await operations({"success": True, "data": {}}).call("SearchByKeyword", SEARCH, deadline=0)
    assert lines == []


async def test_what_is_left_out_is_counted_by_path() -> None:
    amount = money_pb2.Money(units=1)
    line = ordersync_v1.SubOrder(
        national_sub_order_id="2",
        refund_status=1,
        offer_id=3,
        product_name="裙",
        sku_id=4,
        sku_name="绿",
        buy_amount=1,
    )
    line.paid_fee.CopyFrom(amount)
    line.country = "japan"
    order = ordersync_v1.Order(
        national_order_id="1",
        pay_status=1,
        out_member_id="m",
        paid_fee=amount,
        refund_fee=amount,
        sub_orders=[line, line],
    )
    order.create_time.seconds = order.pay_time.seconds = 1_788_400_000
    there = operations({"result": {"success": True}}, Dialect.OPEN_PLATFORM)
    fields = ("order.refund_fee", "order.sub_orders.country")
    before = [_count("dropped", "SyncOrder", field) for field in fields]
    request = ordersync_v1.SyncOrderRequest(order=order)
    assert await there.call("SyncOrder", request, deadline=0) == b""
    after = [_count("dropped", "SyncOrder", field) for field in fields]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 2]
    (call,) = there._gateway.calls
    assert "japan" not in call[1]["orderParam"]


LOCAL_RPCS = [
    rpc
    for service in SERVICES.values()
    for rpc, each in compile_service(service, Dialect.OPEN_PLATFORM).items()
    if each.local
]


async def own(request: Any, deadline: float) -> bytes:
    return b"own"


async def test_bindings() -> None:
    """Own functions go before operations; errors call an operation by its id, or by its RPC's name."""
    there = operations({"success": True, "result": True}, Dialect.OPEN_PLATFORM)
    own_functions = dict.fromkeys(LOCAL_RPCS, own)
    bound = there.build_endpoints(lambda function, name: (function, name), own_functions)
    assert bound["GetFilterConfig"] == (own, "GetFilterConfig")
    function, name = bound["RegisterUser"]
    assert name == "com.alibaba.fenxiao.crossborder:account.user.register-1"
    assert await function(REGISTER, 0.0) == b""
    (call,) = there._gateway.calls
    assert call[0] == name
    assert json.loads(call[1]["countryAccount"])["outLoginId"] == "hanako"


def test_bindings_that_do_not_fit() -> None:
    with pytest.raises(SchemaError) as found:
        operations({}, Dialect.OPEN_PLATFORM).build_endpoints(
            lambda function, name: name, {"B": own, "A": own}
        )
    unknown, unbound = found.value.lines[:2], found.value.lines[2:]
    assert unknown == ("A: no such RPC for this handler", "B: no such RPC for this handler")
    assert set(unbound) == {
        f"{rpc}: is not an operation of 1688, and the service has no handler for it" for rpc in LOCAL_RPCS
    }
