"""What a caller sees of each failure, through a running server."""

import base64
import urllib.parse
from contextlib import asynccontextmanager

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from nationalsite.errors import v1 as errors_v1

from services import errors
from services.errors import Violation
from services.server.status import NON_RETRYABLE, RETRY_AFTER_MS, STATUS_BY_REASON

OPERATION = "1688:account.user.register"
SUITE = {"source": "suite", "operation": OPERATION}
UPSTREAM = {"source": "1688", "operation": OPERATION}
FIELDS = [
    Violation(field="country_account.site", description="too long"),
    Violation(field="", description="x"),
]


def refused(reason: str) -> errors.UpstreamRefused:
    return errors.UpstreamRefused(reason, "1688 refused", code="4711", upstream_message="不行")


TABLE = [
    (errors.InvalidRequest(FIELDS), "INVALID_ARGUMENT", "INVALID_REQUEST", SUITE, "BadRequest", None),
    (errors.RequiredInDialect(FIELDS), "INVALID_ARGUMENT", "REQUIRED_IN_DIALECT", SUITE, "BadRequest", None),
    (errors.NotInDialect(FIELDS), "INVALID_ARGUMENT", "NOT_IN_DIALECT", SUITE, "BadRequest", None),
    (errors.StoreRequired("no store"), "UNIMPLEMENTED", "STORE_REQUIRED", SUITE, None, None),
    (errors.InternalFault("ours"), "INTERNAL", "INTERNAL_FAULT", SUITE, None, None),
    (RuntimeError("anything else"), "INTERNAL", "INTERNAL_FAULT", SUITE, None, None),
    (TimeoutError("not ours"), "INTERNAL", "INTERNAL_FAULT", SUITE, None, None),
    (errors.DeadlineExceeded("late"), "DEADLINE_EXCEEDED", "DEADLINE", SUITE, None, None),
    (errors.DeadlineExceededInFlight("late"), "DEADLINE_EXCEEDED", "DEADLINE", SUITE, None, None),
    (errors.StoreUnavailable("down"), "UNAVAILABLE", "STORE_UNAVAILABLE", SUITE, "RetryInfo", "1000"),
    (errors.RequestIdReused("other"), "INVALID_ARGUMENT", "REQUEST_ID_REUSED", SUITE, None, None),
    (errors.RequestInProgress("runs"), "ABORTED", "REQUEST_IN_PROGRESS", SUITE, "RetryInfo", "1000"),
    (errors.DeliveryNotFound("no"), "NOT_FOUND", "DELIVERY_NOT_FOUND", SUITE, None, None),
    (errors.DeliveryPending("no"), "FAILED_PRECONDITION", "DELIVERY_PENDING", SUITE, None, None),
    (errors.DeliveryOvertaken("no"), "FAILED_PRECONDITION", "DELIVERY_OVERTAKEN", SUITE, None, None),
    (errors.DeliveryState("no"), "FAILED_PRECONDITION", "DELIVERY_STATE", SUITE, None, None),
    (errors.SubscriptionNotFound("no"), "NOT_FOUND", "SUBSCRIPTION_NOT_FOUND", SUITE, None, None),
    (errors.SubscriptionMismatch("no"), "FAILED_PRECONDITION", "SUBSCRIPTION_MISMATCH", SUITE, None, None),
    (errors.NoFullSync("no"), "FAILED_PRECONDITION", "NO_FULL_SYNC", SUITE, None, None),
    (errors.Overloaded("full"), "RESOURCE_EXHAUSTED", "OVERLOADED", SUITE, "RetryInfo", "500"),
    (
        errors.UpstreamPermission("no", code="gw.APIACLDecline", upstream_message="denied", request_id="r-1"),
        "FAILED_PRECONDITION",
        "UPSTREAM_PERMISSION",
        UPSTREAM | {"code": "gw.APIACLDecline", "message": "denied", "upstream_request_id": "r-1"},
        None,
        None,
    ),
    (errors.UpstreamSignature("no"), "INTERNAL", "UPSTREAM_SIGNATURE", UPSTREAM, None, None),
    (errors.UpstreamUnsupported("no"), "UNIMPLEMENTED", "UPSTREAM_UNSUPPORTED", UPSTREAM, None, None),
    (errors.UpstreamRate("slow"), "RESOURCE_EXHAUSTED", "UPSTREAM_RATE", UPSTREAM, "RetryInfo", "1000"),
    (errors.UpstreamQuota("used"), "RESOURCE_EXHAUSTED", "UPSTREAM_QUOTA", UPSTREAM, "QuotaFailure", "-1"),
    (errors.ConnectError("gone"), "UNAVAILABLE", "UPSTREAM_UNAVAILABLE", UPSTREAM, "RetryInfo", "1000"),
    (errors.ConnectionLost("gone"), "UNAVAILABLE", "UPSTREAM_UNAVAILABLE", UPSTREAM, "RetryInfo", "1000"),
    (errors.UpstreamFault("500"), "UNAVAILABLE", "UPSTREAM_FAULT", UPSTREAM, "RetryInfo", "1000"),
    (errors.UpstreamUnreadable("?"), "INTERNAL", "UPSTREAM_UNREADABLE", UPSTREAM, None, None),
    (errors.OutcomeUnknown("?"), "UNKNOWN", "OUTCOME_UNKNOWN", UPSTREAM, None, "-1"),
    (
        refused("ACCOUNT_EXISTS"),
        "ALREADY_EXISTS",
        "ACCOUNT_EXISTS",
        UPSTREAM | {"code": "4711", "message": "不行"},
        None,
        None,
    ),
]


def details_of(error: grpc.aio.AioRpcError) -> dict[str, Message]:
    status = rpc_status.from_call(error)
    assert status is not None
    found = {}
    for packed in status.details:
        name = packed.TypeName().rpartition(".")[2]
        found[name] = getattr(error_details_pb2, name)()
        assert packed.Unpack(found[name])
    return found


@pytest.fixture
def caught(start, buyer):
    """async with caught() as call: await call(error) is what a caller sees when the handler raises it."""

    @asynccontextmanager
    async def failing():
        raised = []

        async def fail(_request, _deadline):
            raise raised[-1]

        async with start(fail) as running:

            async def call(error):
                raised.append(error)
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await running.stub.RegisterUser(buyer)
                return caught.value

            yield call

    return failing


async def test_each_failure_has_its_answer(caught, subtests):
    async with caught() as call:
        for raised, status, reason, metadata, further, pushback in TABLE:
            with subtests.test(f"{type(raised).__name__} {reason}"):
                error = await call(raised)
                assert error.code().name == status
                details = details_of(error)
                assert details.keys() == {"ErrorInfo"} | ({further} if further else set())
                info = details["ErrorInfo"]
                assert (info.reason, info.domain) == (f"ERROR_REASON_{reason}", "nationalsite")
                assert info.metadata == metadata
                assert dict(error.trailing_metadata()).get("grpc-retry-pushback-ms") == pushback
                if "BadRequest" in details:
                    told = [(one.field, one.description) for one in details["BadRequest"].field_violations]
                    assert told == [("country_account.site", "too long"), ("", "x")]
                if "RetryInfo" in details:
                    assert details["RetryInfo"].retry_delay.ToMilliseconds() == int(pushback)
                if "QuotaFailure" in details:
                    assert [one.subject for one in details["QuotaFailure"].violations] == [OPERATION]


LONG = "超长的文本" * 2000
AWKWARD = [
    errors.UpstreamFault(LONG, code=LONG, upstream_message=LONG, request_id=LONG),
    errors.UpstreamQuota(LONG, code=LONG, upstream_message=LONG, request_id=LONG),
    errors.InvalidRequest([Violation(field=f"f{number}" + LONG, description=LONG) for number in range(20)]),
    errors.UpstreamFault("lone \ud800 surrogate\n\x00", upstream_message="\ud800"),
]


async def test_no_text_is_too_long_or_too_odd_to_arrive(caught, subtests):
    async with caught() as call:
        for raised in AWKWARD:
            with subtests.test(type(raised).__name__):
                error = await call(raised)
                details = details_of(error)
                assert details["ErrorInfo"].reason == f"ERROR_REASON_{raised.reason}"
                if isinstance(raised, errors.InvalidRequest):
                    assert len(details["BadRequest"].field_violations) >= 3
                assert trailer_bytes(error) < 7 * 1024


def trailer_bytes(error: grpc.aio.AioRpcError) -> int:
    """The size of the trailers as HTTP/2 counts it, each with 32 bytes on top of its name and value."""
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


async def test_a_fault_of_ours_is_told_without_its_words_and_logged_by_place(start, buyer, logged):
    async def fail(request, _deadline):
        try:
            raise KeyError(request.country_account.email)
        except KeyError as error:
            raise ValueError(request.country_account.email) from error

    async with start(fail) as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.RegisterUser(buyer)

    assert caught.value.details() == "internal fault"
    (fault,) = logged("internal_fault")
    assert [error["type"] for error in fault["exception"]] == ["ValueError", "KeyError"]
    assert "fail" in fault["exception"][0]["frames"][-1]
    assert "hanako" not in str(logged())


def tree(of: type) -> set[type]:
    return {of}.union(*(tree(sub) for sub in of.__subclasses__()))


def test_every_reason_has_its_status():
    reasons = {name.removeprefix("ERROR_REASON_") for name, _ in errors_v1.ErrorReason.items()}
    assert STATUS_BY_REASON.keys() == reasons - {"UNSPECIFIED"}
    assert grpc.StatusCode.OK not in STATUS_BY_REASON.values()


def test_every_reason_in_use_is_in_the_enum():
    in_the_tree = {error.reason for error in tree(errors.NationalsiteError)}
    assert in_the_tree | RETRY_AFTER_MS.keys() | NON_RETRYABLE <= STATUS_BY_REASON.keys()
    assert not RETRY_AFTER_MS.keys() & NON_RETRYABLE
