"""The trailing metadata about the dialect, with responses and errors."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from nationalsite.account import v1 as account_v1

from services.errors import ErrorOrigin, NationalsiteError, UpstreamFault
from services.handler import DialectReport, Handler
from services.server import Endpoint, serve
from services.server.interceptors.dialect import MAX_DROPPED_FIELDS_BYTES
from tests.server.conftest import connect
from tests.server.interceptors.test_error_mapping import DIFFICULT, trailer_bytes
from tests.server.shop_server import accept

REQUEST = account_v1.RegisterUserRequest(
    request_id="7f0d2a5e-8f1f-4b43-9a54-0f9f0c2f6f11",
    country_account=account_v1.CountryAccount(
        country="japan",
        site="sniff",
        out_login_name="hanako",
        out_member_id="member-1",
        email="hanako@example.com",
        mobile="090 1234-5678",
        mobile_area="JP",
        ip="192.0.2.10",
    ),
)


class StoredResponses:
    """An idempotency guard that executes nothing: the response of a call before is stored."""

    async def __call__(self, work: Callable[[], Awaitable[bytes]], **_: Any) -> bytes:
        return b""


async def fail(request: Any, deadline: float) -> bytes:
    raise UpstreamFault("1688 failed")


async def _call_and_fail(
    build_service: Any, endpoint: Endpoint, request: account_v1.RegisterUserRequest = REQUEST
) -> grpc.aio.AioRpcError:
    service = build_service(endpoints={"RegisterUser": endpoint})
    async with serve(service, service.settings()) as addresses, connect(addresses) as running:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await running.stub.RegisterUser(request, timeout=10)
    return failure.value


async def _call(build_service: Any, handler: Handler = accept, **endpoint: Any) -> dict[str, Any]:
    """Call RegisterUser; return the trailing metadata of the response or of the error."""
    endpoint = {"handles_idempotency": True} | endpoint
    service = build_service(endpoints={"RegisterUser": Endpoint(handler, ErrorOrigin("-"), **endpoint)})
    async with serve(service, service.settings()) as addresses, connect(addresses) as running:
        call = running.stub.RegisterUser(REQUEST, timeout=10)
        assert await call.code() is (grpc.StatusCode.OK if handler is accept else grpc.StatusCode.UNAVAILABLE)
        assert not [key for key, _ in await call.initial_metadata() if key.startswith("nationalsite-")]
        return {
            key: value for key, value in await call.trailing_metadata() if key.startswith("nationalsite-")
        }


@pytest.mark.parametrize("handler", [accept, fail])
async def test_response_and_error_have_the_same_metadata(build_service: Any, handler: Handler) -> None:
    def report(request: Any) -> DialectReport:
        assert request == REQUEST
        return DialectReport("open-platform", iter(["order.country", "order.lines.fee", "order.lines.fee"]))

    assert await _call(build_service, handler, report_dialect=report) == {
        "nationalsite-dialect": "open-platform",
        "nationalsite-dropped-fields": "order.country,order.lines.fee",
    }


async def test_error_has_its_own_trailers_too(build_service: Any) -> None:
    endpoint = Endpoint(
        fail,
        ErrorOrigin("-"),
        report_dialect=lambda _: DialectReport("national-site", ()),
        handles_idempotency=True,
    )
    trailers = dict((await _call_and_fail(build_service, endpoint)).trailing_metadata())
    assert trailers["nationalsite-dialect"] == "national-site"
    assert trailers["grpc-retry-pushback-ms"] == "-1"
    assert "grpc-status-details-bin" in trailers


async def test_error_of_an_invalid_request_has_the_dialect_of_its_method(build_service: Any) -> None:
    def report(request: Any) -> DialectReport:
        raise AssertionError("the request is invalid")

    endpoint = Endpoint(
        accept, ErrorOrigin("-", "open-platform"), report_dialect=report, handles_idempotency=True
    )
    error = await _call_and_fail(build_service, endpoint, account_v1.RegisterUserRequest())
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert dict(error.trailing_metadata())["nationalsite-dialect"] == "open-platform"


@pytest.mark.parametrize("raised", DIFFICULT, ids=lambda raised: type(raised).__name__)
async def test_longest_list_fits_into_the_trailers_of_the_longest_error(
    build_service: Any, raised: NationalsiteError
) -> None:
    async def fail_at_length(request: Any, deadline: float) -> bytes:
        raise raised

    endpoint = Endpoint(
        fail_at_length,
        ErrorOrigin("-", "open-platform"),
        report_dialect=lambda _: DialectReport("open-platform", [f"order.field{i}" for i in range(100)]),
        handles_idempotency=True,
    )
    error = await _call_and_fail(build_service, endpoint)
    assert len(dict(error.trailing_metadata())["nationalsite-dropped-fields"]) > 490
    assert trailer_bytes(error) < 7 * 1024


async def test_stored_response_has_the_metadata(build_service: Any) -> None:
    metadata = await _call(
        build_service,
        handles_idempotency=False,
        idempotency_guard=StoredResponses(),
        report_dialect=lambda _: DialectReport("open-platform", ["order.country"]),
    )
    assert metadata["nationalsite-dropped-fields"] == "order.country"


async def test_without_dropped_fields_there_is_only_the_dialect(build_service: Any) -> None:
    metadata = await _call(build_service, report_dialect=lambda _: DialectReport("national-site", ()))
    assert metadata == {"nationalsite-dialect": "national-site"}


async def test_method_without_an_operation_of_1688_has_no_dialect(build_service: Any) -> None:
    assert await _call(build_service) == {}


@pytest.mark.parametrize("count", [35, 36, 37, 100])
async def test_long_list_is_cut_after_a_whole_path(build_service: Any, count: int) -> None:
    paths = [f"order.field{number:03}" for number in range(count)]
    metadata = await _call(build_service, report_dialect=lambda _: DialectReport("open-platform", paths))
    value = metadata["nationalsite-dropped-fields"]
    assert len(value) <= MAX_DROPPED_FIELDS_BYTES
    *whole, last = value.split(",")
    if len(",".join(paths)) <= MAX_DROPPED_FIELDS_BYTES:
        assert [*whole, last] == paths
    else:
        assert last == "..."
        assert whole == paths[: len(whole)]
        assert len(whole) > 30
