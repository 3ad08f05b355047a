"""The status that a caller gets for each failure, from a running server."""

import asyncio
import base64
import urllib.parse
from contextlib import asynccontextmanager

import grpc
import pytest

from services import errors
from services.errors import UpstreamRate, Violation
from tests.server.shop_server import Line, running_shop
from tests.support.status_details import parse_reason, parse_status_details

OPERATION = "1688:account.user.register"


SERVICE = {"source": "service", "operation": OPERATION, "dialect": "open-platform"}


UPSTREAM = SERVICE | {"source": "1688"}


CODE = {"code": "gw.X"}


FIELDS = [
    Violation(field="country_account.site", description="too long", reason="STRING_MAX_LEN"),
    Violation(field="", description="x", reason="REQUIRED"),
]


REQUEST_ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"


DELIVERY = {"deliveryId": "d-1"}


KEY = {"ordering_key": "7", "delivery_id": "d-1"}


TABLE = [
    (errors.InvalidRequest(FIELDS), "INVALID_ARGUMENT", "INVALID_REQUEST", SERVICE, "BadRequest", "-1"),
    (
        errors.RequiredInDialect(FIELDS),
        "INVALID_ARGUMENT",
        "REQUIRED_IN_DIALECT",
        SERVICE,
        "BadRequest",
        "-1",
    ),
    (errors.NotInDialect(FIELDS), "INVALID_ARGUMENT", "NOT_IN_DIALECT", SERVICE, "BadRequest", "-1"),
    (errors.OperationNotInDialect("no"), "UNIMPLEMENTED", "OPERATION_NOT_IN_DIALECT", SERVICE, None, "-1"),
    (errors.InternalFault("ours"), "INTERNAL", "INTERNAL_FAULT", SERVICE, None, "-1"),
    (RuntimeError("anything else"), "INTERNAL", "INTERNAL_FAULT", SERVICE, None, "-1"),
    (TimeoutError("not ours"), "INTERNAL", "INTERNAL_FAULT", SERVICE, None, "-1"),
    (errors.DeadlineExceeded("late"), "DEADLINE_EXCEEDED", "DEADLINE", SERVICE, None, None),
    (errors.DeadlineExceededInFlight("late"), "DEADLINE_EXCEEDED", "DEADLINE", SERVICE, None, None),
    (errors.StoreUnavailable("down"), "UNAVAILABLE", "STORE_UNAVAILABLE", SERVICE, "RetryInfo", "1000"),
    (
        errors.RequestIdReused("other", request_id=REQUEST_ID),
        "INVALID_ARGUMENT",
        "REQUEST_ID_REUSED",
        SERVICE | {"requestId": REQUEST_ID},
        None,
        "-1",
    ),
    (
        errors.OutOrderIdReused("other", request_id=REQUEST_ID, out_order_id="o-1"),
        "ALREADY_EXISTS",
        "OUT_ORDER_ID_REUSED",
        SERVICE | {"requestId": REQUEST_ID, "outOrderId": "o-1"},
        None,
        "-1",
    ),
    (
        errors.NotExecuted("declared", request_id=REQUEST_ID, out_order_id="o-1"),
        "FAILED_PRECONDITION",
        "NOT_EXECUTED",
        SERVICE | {"requestId": REQUEST_ID, "outOrderId": "o-1"},
        None,
        "-1",
    ),
    (
        errors.RequestInProgress("runs", request_id=REQUEST_ID),
        "ABORTED",
        "REQUEST_IN_PROGRESS",
        SERVICE | {"requestId": REQUEST_ID},
        "RetryInfo",
        "1000",
    ),
    (
        errors.DeliveryNotFound("no", delivery_id="d-1"),
        "NOT_FOUND",
        "DELIVERY_NOT_FOUND",
        SERVICE | DELIVERY,
        None,
        "-1",
    ),
    (
        errors.DeliveryPending("no", **KEY),
        "FAILED_PRECONDITION",
        "DELIVERY_PENDING",
        SERVICE | DELIVERY | {"orderingKey": "7"},
        None,
        "-1",
    ),
    (
        errors.DeliveryOvertaken("no", **KEY),
        "FAILED_PRECONDITION",
        "DELIVERY_OVERTAKEN",
        SERVICE | DELIVERY | {"orderingKey": "7"},
        None,
        "-1",
    ),
    (
        errors.DeliveryState("no", delivery_id="d-1", state="DELIVERY_STATE_DEAD"),
        "FAILED_PRECONDITION",
        "DELIVERY_STATE",
        SERVICE | DELIVERY | {"state": "DELIVERY_STATE_DEAD"},
        None,
        "-1",
    ),
    (
        errors.SubscriptionNotFound("no", subscription="s"),
        "NOT_FOUND",
        "SUBSCRIPTION_NOT_FOUND",
        SERVICE | {"subscription": "s"},
        None,
        "-1",
    ),
    (
        errors.SubscriptionMismatch("no", subscription="s", topics=""),
        "FAILED_PRECONDITION",
        "SUBSCRIPTION_MISMATCH",
        SERVICE | {"subscription": "s", "topics": ""},
        None,
        "-1",
    ),
    (
        errors.StreamLimit("no", streams_per_caller=100),
        "RESOURCE_EXHAUSTED",
        "STREAM_LIMIT",
        SERVICE | {"streamsPerCaller": "100"},
        "RetryInfo QuotaFailure",
        "1000",
    ),
    (
        errors.SubscriptionLimit("no", subscriptions_per_caller=100),
        "RESOURCE_EXHAUSTED",
        "SUBSCRIPTION_LIMIT",
        SERVICE | {"subscriptionsPerCaller": "100"},
        "QuotaFailure",
        "-1",
    ),
    (
        errors.NoFullSync("no", national_order_id="7"),
        "FAILED_PRECONDITION",
        "NO_FULL_SYNC",
        SERVICE | {"nationalOrderId": "7"},
        None,
        "-1",
    ),
    (
        errors.SyncInProgress("runs", national_order_id="7"),
        "ABORTED",
        "SYNC_IN_PROGRESS",
        SERVICE | {"nationalOrderId": "7"},
        "RetryInfo",
        "1000",
    ),
    (errors.ReplayInProgress("runs"), "ABORTED", "REPLAY_IN_PROGRESS", SERVICE, "RetryInfo", "5000"),
    (errors.Overloaded("full"), "RESOURCE_EXHAUSTED", "OVERLOADED", SERVICE, "RetryInfo", "500"),
    (
        errors.UpstreamPermission(
            "no", code="gw.APIACLDecline", upstream_message="denied", upstream_request_id="r-1"
        ),
        "FAILED_PRECONDITION",
        "UPSTREAM_PERMISSION",
        UPSTREAM
        | {"upstreamCode": "gw.APIACLDecline", "upstreamMessage": "denied", "upstreamRequestId": "r-1"},
        None,
        "-1",
    ),
    (
        errors.UpstreamSignature("no", **CODE),
        "INTERNAL",
        "UPSTREAM_SIGNATURE",
        UPSTREAM | {"upstreamCode": "gw.X"},
        None,
        "-1",
    ),
    (
        errors.UpstreamUnsupported("no", **CODE),
        "UNIMPLEMENTED",
        "UPSTREAM_UNSUPPORTED",
        UPSTREAM | {"upstreamCode": "gw.X"},
        None,
        "-1",
    ),
    (errors.UpstreamRate("slow"), "RESOURCE_EXHAUSTED", "UPSTREAM_RATE", UPSTREAM, "RetryInfo", "-1"),
    (
        errors.UpstreamQuota("used", **CODE),
        "RESOURCE_EXHAUSTED",
        "UPSTREAM_QUOTA",
        UPSTREAM | {"upstreamCode": "gw.X"},
        "QuotaFailure",
        "-1",
    ),
    (errors.ConnectError("gone"), "UNAVAILABLE", "UPSTREAM_UNAVAILABLE", UPSTREAM, "RetryInfo", "-1"),
    (errors.ConnectionLost("gone"), "UNAVAILABLE", "UPSTREAM_UNAVAILABLE", UPSTREAM, "RetryInfo", "-1"),
    (errors.UpstreamFault("500"), "UNAVAILABLE", "UPSTREAM_FAULT", UPSTREAM, "RetryInfo", "-1"),
    (errors.UpstreamUnreadable("?"), "INTERNAL", "UPSTREAM_UNREADABLE", UPSTREAM, None, "-1"),
    (
        errors.OutcomeUnknown("?", request_id=REQUEST_ID),
        "UNKNOWN",
        "OUTCOME_UNKNOWN",
        UPSTREAM | {"requestId": REQUEST_ID},
        None,
        "-1",
    ),
    (
        errors.UpstreamRefused("ACCOUNT_EXISTS", "1688 refused", code="4711", upstream_message="不行"),
        "ALREADY_EXISTS",
        "ACCOUNT_EXISTS",
        UPSTREAM | {"upstreamCode": "4711", "upstreamMessage": "不行"},
        None,
        "-1",
    ),
]


@pytest.fixture
def failing_server(start_server, registration):
    """async with failing_server() as fail: await fail(error) is the status when a handler raises it."""

    @asynccontextmanager
    async def start():
        raised = []

        async def handle(_request, _deadline):
            raise raised[-1]

        async with start_server(handle) as running:

            async def fail(error):
                raised.append(error)
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await running.stub.RegisterUser(registration)
                return caught.value

            yield fail

    return start


async def test_each_error_has_its_status(failing_server, subtests):
    async with failing_server() as fail:
        for raised, status, reason, metadata, detail, pushback in TABLE:
            with subtests.test(f"{type(raised).__name__} {reason}"):
                error = await fail(raised)
                assert error.code().name == status
                details = parse_status_details(error)
                assert details.keys() == {"ErrorInfo"} | set((detail or "").split())
                info = details["ErrorInfo"]
                assert (info.reason, info.domain) == (f"ERROR_REASON_{reason}", "nationalsite")
                assert info.metadata == metadata
                assert dict(error.trailing_metadata()).get("grpc-retry-pushback-ms") == pushback
                if "BadRequest" in details:
                    violations = [
                        (violation.field, violation.description, violation.reason)
                        for violation in details["BadRequest"].field_violations
                    ]
                    assert violations == [
                        ("country_account.site", "too long", "STRING_MAX_LEN"),
                        ("", "x", "REQUIRED"),
                    ]
                if "RetryInfo" in details:
                    delay_ms = details["RetryInfo"].retry_delay.ToMilliseconds()
                    retried = reason in ("UPSTREAM_RATE", "UPSTREAM_UNAVAILABLE", "UPSTREAM_FAULT")
                    assert delay_ms == (1000 if retried else int(pushback))
                if "QuotaFailure" in details:
                    assert [violation.subject for violation in details["QuotaFailure"].violations] == [
                        OPERATION
                    ]


LONG = "超长的文本" * 2000
DIFFICULT = [
    errors.UpstreamFault(LONG, code=LONG, upstream_message=LONG, upstream_request_id=LONG),
    errors.UpstreamQuota(LONG, code=LONG, upstream_message=LONG, upstream_request_id=LONG),
    errors.InvalidRequest(
        [Violation(field=f"f{number}" + LONG, description=LONG, reason="REQUIRED") for number in range(20)]
    ),
    errors.UpstreamFault("lone \ud800 surrogate\n\x00", upstream_message="\ud800"),
]


async def test_long_and_invalid_texts_are_truncated_and_replaced(failing_server, subtests):
    async with failing_server() as fail:
        for raised in DIFFICULT:
            with subtests.test(type(raised).__name__):
                error = await fail(raised)
                details = parse_status_details(error)
                assert details["ErrorInfo"].reason == f"ERROR_REASON_{raised.reason}"
                if isinstance(raised, errors.InvalidRequest):
                    assert len(details["BadRequest"].field_violations) >= 3
                assert trailer_bytes(error) < 7 * 1024


def trailer_bytes(error: grpc.aio.AioRpcError) -> int:
    """The size of the trailers as HTTP/2 counts it: 32 bytes for each, and its name and value."""
    trailers = dict(error.trailing_metadata())
    details = base64.b64encode(trailers.pop("grpc-status-details-bin"))
    message = urllib.parse.quote(error.details())
    return (
        sum(len(name) + len(value) + 32 for name, value in trailers.items())
        + len("grpc-status-details-bin" + "grpc-message" + "grpc-status" + "00")
        + len(message)
        + len(details)
        + 3 * 32
    )


async def test_a_bug_is_reported_without_its_message_and_logged_with_its_stack(
    start_server, registration, logged
):
    async def fail(request, _deadline):
        try:
            raise KeyError(request.country_account.email)
        except KeyError as error:
            raise ValueError(request.country_account.email) from error

    async with start_server(fail) as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.RegisterUser(registration)

    assert caught.value.details() == "internal fault"
    (fault,) = logged("internal_fault")
    assert [error["type"] for error in fault["exception"]] == ["ValueError", "KeyError"]
    assert "fail" in fault["exception"][0]["frames"][-1]
    assert "hanako" not in str(logged())


@pytest.mark.parametrize(
    ("error", "reason"), [(UpstreamRate("slow"), "UPSTREAM_RATE"), (KeyError("hanako"), "INTERNAL_FAULT")]
)
async def test_errors_whose_contexts_are_a_cycle(start_server, registration, error, reason):
    async def fail(_request, _deadline):
        other = ValueError("hanako")
        error.__context__, other.__context__ = other, error
        raise error

    async with start_server(fail) as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.RegisterUser(registration)
    assert parse_reason(caught.value) == reason


async def test_errors_of_a_handlers_tasks_are_mapped_like_its_own(logged):
    async def fail(error):
        raise error

    async def chat(requests, _deadline):
        async with asyncio.TaskGroup() as tasks:
            async for request in requests:
                tasks.create_task(
                    fail({"ours": UpstreamRate("slow"), "bug": KeyError("hanako")}[request.sku])
                )
        yield b""

    async with running_shop({"Chat": chat}) as shop:
        for sku, reason in (("ours", "UPSTREAM_RATE"), ("bug", "INTERNAL_FAULT")):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await shop.client.Chat(iter([Line(sku=sku)])).read()
            assert parse_reason(caught.value) == reason
    (fault,) = logged("internal_fault")
    assert [error["type"] for (error, *_) in fault["exception"][0]["exceptions"]] == ["KeyError"]
    assert "hanako" not in str(logged())
