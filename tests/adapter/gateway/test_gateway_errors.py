"""Error responses of 1688's gateway in every spelling and status, through a socket."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services import errors
from services.adapter.codec import parse
from services.adapter.gateway import gateway_errors
from services.errors import (
    AccessTokenRejected,
    CircuitOpen,
    ConnectError,
    ConnectionLost,
    CredentialRejected,
    OutcomeUnknown,
    TimestampRejected,
    UpstreamArgument,
    UpstreamError,
    UpstreamFault,
    UpstreamGateway,
    UpstreamPermission,
    UpstreamQuota,
    UpstreamRate,
    UpstreamRefused,
    UpstreamSignature,
    UpstreamUnreadable,
    UpstreamUnsupported,
)

RESPONSES = Path(__file__).parents[2] / "samples" / "responses"
EXPIRED = "com.alibaba.openapi.exception.request.RequestValidateException: Request is expired."
NEEDS_TIMESTAMP = "API need time stamp verify, so request must has _aop_timestamp."
BUSINESS = {"success": False, "errorCode": "500_2", "errorMessage": "not shipped", "result": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    status: int
    body: Any
    """The name of a sample, bytes, or a value that is sent as JSON."""
    error: type[UpstreamError]
    code: str = ""
    text: str = ""
    request_id: str = ""

    def sent(self) -> Any:
        return (RESPONSES / f"{self.body}.json").read_bytes() if isinstance(self.body, str) else self.body

    def __str__(self) -> str:
        body = self.body if isinstance(self.body, str | bytes) else next(iter(self.body.values()), "")
        return f"{self.status}-{body!s:.40}-{self.code}"


def case(
    status: int, body: Any, error: type[UpstreamError], code: str = "", text: str = "", request_id: str = ""
) -> Case:
    return Case(status=status, body=body, error=error, code=code, text=text, request_id=request_id)


def coded(code: Any, text: str) -> dict[str, Any]:
    return {"error_code": code, "error_message": text, "exception": text}


def camel(code: Any, text: str) -> dict[str, Any]:
    return {"errorCode": code, "errorMessage": text}


APP_LIMIT = "App call exceeds limited frequency"
UNAUTHORIZED = "Request need user authorized"
UNAUTHENTICATED = "Request need user authenticated"
ILLEGAL = "Illegal argument; code: isv.invalid-parameter"

SAMPLES = (
    case(401, "gateway/token_invalid", AccessTokenRejected, "401", UNAUTHORIZED),
    case(200, "gateway/token_invalid.http200", AccessTokenRejected, "401", UNAUTHORIZED),
    case(401, "gateway/token_missing", CredentialRejected, "401", UNAUTHENTICATED),
    case(
        400,
        "gateway/signature_invalid",
        UpstreamSignature,
        "gw.SignatureInvalid",
        "Invalid signature",
        "0a1b2c3d17884000000001234e",
    ),
    case(400, "gateway/signature_missing", UpstreamSignature, "gw.SignatureMissing", "Signature missing"),
    case(400, "gateway/app_key_missing", UpstreamGateway, "gw.AppKeyMissing", "AppKey missing"),
    case(400, "gateway/app_key_not_found", UpstreamGateway, "gw.AppKeyNotFound", "AppKey not found"),
    case(400, "gateway/api_unsupported", UpstreamUnsupported, "gw.APIUnsupported", "API unsupported"),
    case(
        400,
        "gateway/api_unsupported.error_code_camel",
        UpstreamUnsupported,
        "gw.APIUnsupported",
        "API unsupported",
    ),
    case(
        200,
        "gateway/api_unsupported.error_code_camel",
        UpstreamUnsupported,
        "gw.APIUnsupported",
        "API unsupported",
    ),
    case(400, "gateway/acl_decline", UpstreamPermission, "gw.APIACLDecline", "AppKey is not allowed(acl)"),
    case(200, "gateway/acl_decline", UpstreamPermission, "gw.APIACLDecline", "AppKey is not allowed(acl)"),
    case(
        400,
        "gateway/param_missing",
        UpstreamArgument,
        "gw.ParamMissing",
        "Required argument offerDetailParam",
    ),
    case(400, "gateway/app_frequency_limit", UpstreamRate, "gw.QosAppFrequencyLimit", APP_LIMIT),
    case(200, "gateway/app_frequency_limit", UpstreamRate, "gw.QosAppFrequencyLimit", APP_LIMIT),
    case(
        400,
        "gateway/api_frequency_limit",
        UpstreamRate,
        "gw.QosAPIFrequencyLimit",
        "API call exceeds limited frequency",
    ),
    case(400, "gateway/no_usage_left", UpstreamQuota, "gw.NoUsageLeftError", "SLA bill has no usage left"),
    case(400, "gateway/timestamp_expired", TimestampRejected, "400", EXPIRED),
    case(500, "gateway/system_error", UpstreamFault, "500", "System error"),
    *(
        case(400, f"gateway/json_{name}", UpstreamGateway, "400", text)
        for name, text in (
            ("text", ILLEGAL),
            ("text_twice", ILLEGAL),
            ("text_of_json_text", ILLEGAL),
            ("text_beside_plain_words", f"参数不合法; {ILLEGAL}"),
            ("exception", ILLEGAL),
        )
    ),
    case(400, "gateway/json_text_of_the_token", AccessTokenRejected, "401", UNAUTHORIZED),
    case(400, "get_token.open_platform.fail", UpstreamGateway, "", "invalid_grant refresh token is invalid"),
    case(200, "get_token.open_platform.fail", UpstreamGateway, "", "invalid_grant refresh token is invalid"),
)

CODES = (
    case(
        401,
        coded("401", "User authorization is required"),
        CredentialRejected,
        "401",
        "User authorization is required",
    ),
    case(401, coded("401", ""), AccessTokenRejected, "401"),
    case(200, coded(401, UNAUTHORIZED), AccessTokenRejected, "401", UNAUTHORIZED),
    case(400, coded("400", NEEDS_TIMESTAMP), UpstreamGateway, "400", NEEDS_TIMESTAMP),
    case(
        400,
        coded("400", "Invalid appKey, unsport appKey: 1"),
        UpstreamGateway,
        "400",
        "Invalid appKey, unsport appKey: 1",
    ),
    case(200, coded("400", "Illegal argument"), UpstreamGateway, "400", "Illegal argument"),
    case(200, coded("gw.Unheard", "of"), UpstreamGateway, "gw.Unheard", "of"),
    case(400, coded("gw.QosUnheard", "of"), UpstreamRate, "gw.QosUnheard", "of"),
    case(503, coded("gw.QosAppFrequencyLimit", "x"), UpstreamRate, "gw.QosAppFrequencyLimit", "x"),
    case(200, coded("500", "x"), UpstreamFault, "500", "x"),
    case(503, coded("503", "x"), UpstreamFault, "503", "x"),
    case(
        400, coded("gw.Unheard", "Request is expired"), TimestampRejected, "gw.Unheard", "Request is expired"
    ),
    case(401, coded("401", EXPIRED), TimestampRejected, "401", EXPIRED),
    case(400, {"error_code": "gw.ParamMissing"}, UpstreamArgument, "gw.ParamMissing"),
    case(400, {"error_code": "400", "exception": "only this"}, UpstreamGateway, "400", "only this"),
    case(
        400,
        {"error_code": "400", "error_message": "x", "request_id": "of-the-body"},
        UpstreamGateway,
        "400",
        "x",
        "of-the-body",
    ),
)

OTHER_SPELLINGS = (
    case(400, camel("500_2", "text"), UpstreamGateway, "500_2", "text"),
    case(401, camel("401", UNAUTHORIZED), AccessTokenRejected, "401", UNAUTHORIZED),
    case(200, camel("gw.QosAPIFrequencyLimit", "text"), UpstreamRate, "gw.QosAPIFrequencyLimit", "text"),
    case(400, coded("SP0056", "text"), UpstreamGateway, "SP0056", "text"),
    # A fault without a gateway code: the status counts, and the operation may have executed.
    case(500, camel("SYSTEM_ERROR", "text"), UpstreamFault, "SYSTEM_ERROR", "text"),
    case(502, coded("SYSTEM_ERROR", "text"), UpstreamFault, "SYSTEM_ERROR", "text"),
    case(500, {"error": "Internal Server Error"}, UpstreamFault, "", "Internal Server Error"),
    case(200, {"error": UNAUTHORIZED}, AccessTokenRejected, "", UNAUTHORIZED),
    case(200, {"error": UNAUTHENTICATED}, CredentialRejected, "", UNAUTHENTICATED),
    case(401, {"error": "invalid_token"}, AccessTokenRejected, "", "invalid_token"),
    case(200, {"error": "x", "error_description": "y"}, UpstreamGateway, "", "x y"),
    case(404, {"error": "Not Found", "status": 404}, UpstreamGateway, "", "Not Found"),
)

BARE = (
    *(
        case(status, body, UpstreamFault)
        for status in (500, 502, 503, 504, 599)
        for body in (b"", b"<html>502</html>")
    ),
    case(500, {"success": False}, UpstreamFault),
    case(500, b"[1]", UpstreamFault),
    case(401, b"", AccessTokenRejected),
    case(401, b"<html>", AccessTokenRejected),
    *(case(status, b"", UpstreamGateway) for status in (400, 403, 404, 405, 413)),
    case(408, b"", UpstreamFault),
    case(429, b"<html>", UpstreamRate),
    case(403, b"<html>denied</html>", UpstreamGateway),
    case(400, {"error_code": ["gw.X"], "errorCode": None, "error": {}}, UpstreamGateway),
)

CASES = SAMPLES + CODES + OTHER_SPELLINGS + BARE

OPERATION_RESPONSES = (
    BUSINESS,
    {"error_code": "SP0056", "error_message": "no such offer"},
    {"success": True, "code": "400", "message": "fine"},
    {"errorCode": "400", "errorMessage": "a business code of digits"},
    {"error": "a text of the operation"},
    {"error": ""},
    {"error": {"code": "gw.X"}},
    {"error_code": None, "errorCode": None, "error": None},
    {"error_code": "", "success": True},
    {"error_code": True},
    {"result": {"error_code": "gw.APIUnsupported"}},
    {"error_code": "١٢"},
    [{"error_code": "gw.APIUnsupported"}],
    {"error_code": 0, "result": {"success": True}},
    {"error_code": "0", "result": {"success": True}},
    "gw.APIUnsupported",
    None,
    0,
)


@pytest.mark.asyncio(loop_factories=["asyncio"])
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_gateway_error(case, peer, make_gateway, call, response):
    peer.on("param2", response(status=case.status, body=case.sent()))

    with pytest.raises(UpstreamError) as caught:
        await call(make_gateway(), anonymous=True)

    error = caught.value
    assert (type(error), error.code, error.upstream_message, error.upstream_request_id) == (
        case.error,
        case.code,
        case.text,
        case.request_id,
    )
    assert error.may_have_executed is (case.error is UpstreamFault)
    assert len(peer.received) == 1


@pytest.mark.asyncio(loop_factories=["asyncio"])
@pytest.mark.parametrize("body", OPERATION_RESPONSES, ids=str)
async def test_response_of_an_operation_is_no_gateway_error(body, peer, make_gateway, call, response):
    peer.on("param2", response(body=body))

    assert (await call(make_gateway())).value == body


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_request_id_of_the_header_goes_first(peer, make_gateway, call, response):
    body = {"error_code": "gw.X", "request_id": "of-the-body"}
    peer.on("param2", response(status=400, body=body, headers={"RequestId": "of-the-header"}))

    with pytest.raises(UpstreamGateway) as caught:
        await call(make_gateway())
    assert caught.value.upstream_request_id == "of-the-header"


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_bare_status_is_named(peer, make_gateway, call, response):
    peer.on("param2", response(status=503, body=b""))

    with pytest.raises(UpstreamFault, match="HTTP 503"):
        await call(make_gateway())


def test_every_sample_is_a_case():
    bodies = {case.body for case in SAMPLES}
    files = [*(RESPONSES / "gateway").glob("*.json"), *RESPONSES.glob("get_token.*.fail.json")]

    samples = {path.relative_to(RESPONSES).as_posix().removesuffix(".json") for path in files}
    assert {name for name in samples if not name.endswith(".expected")} <= bodies


@pytest.mark.parametrize("rule", gateway_errors.ERROR_RULES, ids=lambda rule: f"{rule.code}-{rule.text}")
def test_every_rule_decides_a_case(rule, monkeypatch):
    before = outcomes()
    rest = [other for other in gateway_errors.ERROR_RULES if other is not rule]
    # The last row keeps a response that no other row matches from raising StopIteration.
    monkeypatch.setattr(
        gateway_errors, "ERROR_RULES", [*rest, gateway_errors.ErrorRule("*", "", UpstreamError, "")]
    )

    assert outcomes() != before


def outcomes() -> list[tuple[type[UpstreamError], str]]:
    errors_of_cases = [gateway_errors.error_from_response(case.status, parsed(case.sent())) for case in CASES]
    return [(type(error), str(error)) for error in errors_of_cases if error is not None]


def parsed(body: Any) -> Any:
    if not isinstance(body, bytes):
        return body
    try:
        return parse(body)
    except ValueError:
        return None


def test_every_error_class_has_a_case_or_another_test():
    """The others: test_transport.py, test_response_bodies.py, test_circuit_breaker.py; operations' errors."""
    elsewhere = {ConnectError, CircuitOpen, ConnectionLost, UpstreamUnreadable}
    of_operations = {UpstreamRefused, OutcomeUnknown}
    classes = {
        error_class
        for error_class in vars(errors).values()
        if isinstance(error_class, type)
        and issubclass(error_class, UpstreamError)
        and error_class is not UpstreamError
    }

    assert {case.error for case in CASES} | elsewhere | of_operations == classes
