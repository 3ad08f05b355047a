"""Errors of a call as the caller gets them, and what is counted and logged."""

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
import structlog
from google.type import money_pb2
from nationalsite.account import v1 as account_v1
from nationalsite.ordersync import v1 as ordersync_v1
from nationalsite.product import v1 as product_v1
from prometheus_client import REGISTRY

from services.adapter import OperationClient
from services.adapter.codec import DecodeResult, Dialect, SchemaError
from services.adapter.gateway import UpstreamResponse
from services.adapter.operations import MAX_VALUES_ON_LOOP
from services.errors import (
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    DeadlineExceededInFlight,
    ErrorOrigin,
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
from services.handler import Handler, uses_local_fields
from services.log_fields import clear_log_fields, get_log_fields
from tests.support.compiled_operations import compile_once
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


class FakeGateway:
    """Returns or raises the same for operation call, and records the calls."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.idempotent: list[bool] = []

    async def call(
        self, api_id: str, form: dict[str, str], *, idempotent: bool, **rest: Any
    ) -> UpstreamResponse:
        self.calls.append((api_id, dict(form)))
        self.idempotent.append(idempotent)
        if isinstance(self.answer, Exception):
            raise self.answer
        return UpstreamResponse(value=self.answer, request_id="r-1")

    def secrets(self) -> tuple[str, ...]:
        return ("our-secret",)


def operations(answer: object, dialect: Dialect = Dialect.NATIONAL_SITE) -> OperationClient:
    compiled = {
        rpc: operation
        for service in SERVICES.values()
        for rpc, operation in compile_once(service, dialect).items()
    }
    return OperationClient(compiled, FakeGateway(answer))


async def failure(answer: object, rpc: str, request: Any) -> NationalsiteError:
    with pytest.raises(NationalsiteError) as raised:
        await operations(answer).call(rpc, request, deadline=0)
    return raised.value


@pytest.mark.parametrize("offers", [1, MAX_VALUES_ON_LOOP], ids=["small", "large"])
async def test_a_large_response_that_is_not_as_documented_is_decoded_in_a_thread(offers: int) -> None:
    """A price in words is left to the tolerant decoder, which takes long for many of them."""
    offer = {"offerId": 1, "priceInfo": {"price": "?"}}
    body = json.dumps({"success": True, "code": 200, "data": [offer] * offers}).encode()
    threads = []

    class Gateway(FakeGateway):
        async def call(self, *_: Any, **options: Any) -> UpstreamResponse:
            return UpstreamResponse(value=options["parse"](body), request_id="r-1")

    operation = compile_once(SERVICES["product"], Dialect.NATIONAL_SITE)["SearchByKeyword"]

    def decode(value: Any, request: Any) -> Any:
        assert not isinstance(value, DecodeResult)
        threads.append(threading.current_thread())
        return operation.decode(value, request)

    client = OperationClient({"SearchByKeyword": replace(operation, decode=decode)}, Gateway(None))
    response = await client.call("SearchByKeyword", SEARCH, deadline=0)
    assert len(product_v1.SearchByKeywordResponse.FromString(response).offers) == offers
    assert [thread is threading.main_thread() for thread in threads] == [offers == 1]


MAY_HAVE_EXECUTED = [
    ConnectionLost("the connection broke"),
    DeadlineExceededInFlight("too late"),
    UpstreamFault("HTTP 503", code="503"),
    UpstreamUnreadable("no JSON"),
    UpstreamRefused("UPSTREAM_FAULT", "1688 rejected the call"),
]
NOT_EXECUTED = [
    ConnectError("no connection"),
    DeadlineExceeded("too late"),
    UpstreamPermission("1688 rejects", code="gw.APIACLDecline"),
    UpstreamRate("too often"),
    UpstreamRefused("ACCOUNT_EXISTS", "1688 rejected the call"),
]


@pytest.mark.parametrize("error", MAY_HAVE_EXECUTED, ids=lambda error: type(error).__name__)
async def test_a_non_idempotent_call_that_may_have_executed(error: NationalsiteError) -> None:
    error_type = await failure(error, "RegisterUser", REGISTER)
    assert type(error_type) is OutcomeUnknown
    assert error_type.__cause__ is error
    assert error_type.code == getattr(error, "code", "")
    assert str(error_type) == f"{error}; it is not known whether 1688 executed the call"


@pytest.mark.parametrize("error", NOT_EXECUTED, ids=lambda error: type(error).__name__)
async def test_a_call_that_was_not_executed(error: NationalsiteError) -> None:
    assert await failure(error, "RegisterUser", REGISTER) is error


@pytest.mark.parametrize("error", MAY_HAVE_EXECUTED + NOT_EXECUTED, ids=lambda error: type(error).__name__)
async def test_an_idempotent_call(error: NationalsiteError) -> None:
    assert await failure(error, "SearchByKeyword", SEARCH) is error


async def test_the_gateway_learns_which_calls_are_idempotent() -> None:
    compiled = {
        **compile_once(SERVICES["product"], Dialect.NATIONAL_SITE),
        **compile_once(SERVICES["account"], Dialect.NATIONAL_SITE),
    }
    for non_idempotent, idempotent in (((), [True, True, False]), (("UploadImage",), [True, False, False])):
        gateway = FakeGateway(ConnectionLost("the connection broke"))
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
    ("answer", "error_type"),
    [
        ({"success": True}, OutcomeUnknown),
        ({"success": True, "result": "perhaps"}, OutcomeUnknown),
        ({"success": False, "message": "已注册"}, UpstreamRefused),
        ({"success": True, "result": False}, UpstreamRefused),
    ],
)
async def test_replies_that_do_not_show_the_outcome(
    answer: object, error_type: type[NationalsiteError]
) -> None:
    found = await failure(answer, "RegisterUser", REGISTER)
    assert type(found) is error_type
    assert found.upstream_request_id == "r-1"


async def test_1688s_text_is_redacted() -> None:
    text = "用户hanako(HANAKO@example.com,电话090 1234-5678,ip192.0.2.10)our-secret已注册"
    error = await failure({"success": False, "code": "hanako", "message": text}, "RegisterUser", REGISTER)
    assert (error.reason, error.code) == ("ACCOUNT_EXISTS", "***")
    assert error.upstream_message == "用户***(***,电话***,ip***)***已注册"


async def test_code_and_id_of_a_failure_are_bound_to_the_log() -> None:
    clear_log_fields()
    await failure({"success": False, "code": "S1"}, "SearchByKeyword", SEARCH)
    assert get_log_fields() == {"upstream_code": "S1", "upstream_request_id": "r-1"}
    clear_log_fields()


async def test_an_operation_that_the_dialect_lacks_is_not_called() -> None:
    client = operations({}, Dialect.OPEN_PLATFORM)
    with pytest.raises(OperationNotInDialect, match="open-platform"):
        await client.call("GetFilterConfig", product_v1.GetFilterConfigRequest(), deadline=0)
    assert client._gateway.calls == []


async def test_an_invalid_request_is_not_sent() -> None:
    client = operations({}, Dialect.OPEN_PLATFORM)
    request = ordersync_v1.SyncOrderRequest(order=ordersync_v1.Order(national_order_id="1"))
    with pytest.raises(RequiredInDialect):
        await client.call("SyncOrder", request, deadline=0)
    with pytest.raises(RequiredInDialect):
        client.check_request("SyncOrder", request)
    assert client._gateway.calls == []


def _count(name: str, rpc: str, field: str) -> float:
    return REGISTRY.get_sample_value(f"nationalsite_fields_{name}_total", {"rpc": rpc, "field": field}) or 0


async def test_unreadable_fields_are_counted_and_logged_by_path() -> None:
    offers = [{"offerId": "secret-value", "priceInfo": {"price": "面议"}}, {"offerId": "another"}]
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


async def test_a_readable_reply_is_not_logged() -> None:
    with structlog.testing.capture_logs() as lines:
        await operations({"success": True, "data": {}}).call("SearchByKeyword", SEARCH, deadline=0)
    assert lines == []


async def test_dropped_fields_are_counted_by_path() -> None:
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
    client = operations({"result": {"success": True}}, Dialect.OPEN_PLATFORM)
    fields = ("order.refund_fee", "order.sub_orders.country")
    before = [_count("dropped", "SyncOrder", field) for field in fields]
    request = ordersync_v1.SyncOrderRequest(order=order)
    assert await client.call("SyncOrder", request, deadline=0) == b""
    after = [_count("dropped", "SyncOrder", field) for field in fields]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 2]
    (call,) = client._gateway.calls
    assert "japan" not in call[1]["orderParam"]


LOCAL_RPCS = [
    rpc
    for service in SERVICES.values()
    for rpc, operation in compile_once(service, Dialect.OPEN_PLATFORM).items()
    if operation.local
]


async def own_handler(request: Any, deadline: float) -> bytes:
    return b"own_handler"


async def test_build_endpoints() -> None:
    """A handler of the service is used before the operation; errors have 1688's id, or the RPC's name."""
    client = operations({"success": True, "result": True}, Dialect.OPEN_PLATFORM)
    handlers = dict.fromkeys(LOCAL_RPCS, own_handler)
    endpoints = client.build_endpoints(
        lambda *arguments: arguments, handlers, local_fields=("image", "page_token", "request_id")
    )
    assert endpoints["GetDelivery"] == (own_handler, ErrorOrigin("GetDelivery", "none"), None)
    filter_origin = ErrorOrigin("GetFilterConfig", "open-platform")
    assert endpoints["GetFilterConfig"][:2] == (own_handler, filter_origin)
    filters = product_v1.GetFilterConfigRequest(country="japan")
    report = endpoints["GetFilterConfig"][2](filters)
    assert (report.dialect, list(report.dropped_fields)) == ("open-platform", ["country"])
    handler, origin, _ = endpoints["RegisterUser"]
    assert origin == ErrorOrigin("com.alibaba.fenxiao.crossborder:account.user.register-1", "open-platform")
    assert await handler(REGISTER, 0.0) == b""
    (call,) = client._gateway.calls
    assert call[0] == origin.operation
    assert json.loads(call[1]["countryAccount"])["outLoginId"] == "hanako"


def test_handlers_that_do_not_match_the_rpcs() -> None:
    with pytest.raises(SchemaError) as found:
        operations({}, Dialect.OPEN_PLATFORM).build_endpoints(
            lambda handler, origin, report: origin,
            {"B": own_handler, "A": own_handler},
            local_fields=("image", "page_token", "request_id"),
        )
    unknown, unbound = found.value.lines[:2], found.value.lines[2:]
    assert unknown == ("A: no such RPC for this handler", "B: no such RPC for this handler")
    assert set(unbound) == {
        f"{rpc}: is not an operation of 1688, and the service has no handler for it" for rpc in LOCAL_RPCS
    }


def test_local_request_fields_that_nothing_uses() -> None:
    @uses_local_fields("image")
    async def search_by_image(request: Any, deadline: float) -> bytes:
        return b""

    handlers: dict[str, Handler] = dict.fromkeys(LOCAL_RPCS, own_handler)
    client = operations({}, Dialect.OPEN_PLATFORM)
    with pytest.raises(SchemaError) as found:
        client.build_endpoints(
            lambda handler, origin, report: origin, handlers, local_fields=("page_token", "request_id")
        )
    assert found.value.lines == ("SearchByImage: nothing uses the local request field image",)
    handlers["SearchByImage"] = search_by_image
    client.build_endpoints(
        lambda handler, origin, report: origin, handlers, local_fields=("page_token", "request_id")
    )
