"""Each rule of dialects.json, by a request that breaks it; and the report that callers get."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import product
from typing import Any, NamedTuple

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.order_sync.delivery_payloads import RPC_BY_FIELD
from tests.e2e.conftest import DIALECTS, RpcClient, StartDedicated
from tests.support.sample_cases import request_cases
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details
from tools.generation.client_data import DIALECT_RULES

RULES: list[dict[str, str]] = json.loads(DIALECT_RULES.reference_file.read_text())
SAMPLES = {(case.rpc, case.dialect): case.request for case in request_cases()}
NATIONAL, OPEN = DIALECTS
RPCS_WITH_RULES = {rule["rpc"].rpartition("/")[2] for rule in RULES}
VALUES = {
    "sale_filters": {"sale_type": "SALE_TYPE_SALES30D"},
    "country": "japan",
    "language": "ja",
    "currency": "JPY",
    "region": "266,799,48,581",
}
"""Valid values of fields for which `_find_value` has none."""


class Outcome(NamedTuple):
    """What a caller gets."""

    trailers: dict[str, Any]
    error: grpc.RpcError | None

    @property
    def dropped_fields(self) -> list[str]:
        """The fields of the trailer."""
        return list(filter(None, self.trailers.get("nationalsite-dropped-fields", "").split(",")))


def _call(client: RpcClient, rpc: str, dialect: str, request: Message) -> Outcome:
    try:
        _, call = client.method(rpc, dialect).with_call(request, timeout=20)
    except grpc.RpcError as error:
        return Outcome(dict(error.trailing_metadata()), error)
    return Outcome(dict(call.trailing_metadata()), None)


def _enqueue_request(sync: dict[str, Any]) -> dict[str, Any]:
    """Return a request whose delivery no other delivery and no direct sync waits for."""
    return {"request_id": str(uuid.uuid4()), "ordering_key": str(uuid.uuid4()), **sync}


def _sample(rpc: str, dialect: str, field: str) -> dict[str, Any]:
    """Return a valid request of an RPC; of EnqueueSync, one with the field."""
    if rpc == "EnqueueSync":
        member = field.partition(".")[0]
        sync = _sample(RPC_BY_FIELD[member], dialect, field)
        return _enqueue_request({member: sync} if member == "relations" else sync)
    other = NATIONAL if dialect == OPEN else OPEN
    return deepcopy(SAMPLES.get((rpc, dialect)) or SAMPLES[rpc, other])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: "-".join(rule.values()).rpartition("/")[2][:90])
def test_rule(rule: dict[str, str], client: RpcClient, sandbox: SandboxClient) -> None:
    rpc, dialect = rule["rpc"].rpartition("/")[2], rule["dialect"]
    request = client.request(rpc, _sample(rpc, dialect, rule["field"]))
    parent, name = _find_parent(request, rule["field"])
    _BREAK[rule["rule"]](parent, name, rule["limit"])
    outcome = _call(client, rpc, dialect, request)
    assert outcome.trailers["nationalsite-dialect"] == dialect
    if rule["rule"] == "DROPPED":
        assert rule["field"] in outcome.dropped_fields
        return
    assert outcome.error is not None
    details = parse_status_details(outcome.error)
    reason = "INVALID_REQUEST" if rule["rule"].startswith("DIALECT_") else rule["rule"]
    assert details["ErrorInfo"].reason == f"ERROR_REASON_{reason}"
    assert details["ErrorInfo"].metadata["dialect"] == dialect
    if rule["field"]:
        violations = details["BadRequest"].field_violations
        assert (rule["field"], rule["rule"]) in {
            (re.sub(r"\[\d+\]", "", violation.field), violation.reason) for violation in violations
        }


@pytest.mark.parametrize(
    ("rpc", "dialect"), sorted(SAMPLES.keys() & product(RPCS_WITH_RULES, DIALECTS)), ids=str
)
def test_sample_breaks_no_rule(rpc: str, dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    """Otherwise the tests of the rules could find the error of the sample."""
    outcome = _call(client, rpc, dialect, client.request(rpc, SAMPLES[rpc, dialect]))
    reason = outcome.error and parse_status_details(outcome.error)["ErrorInfo"].reason
    assert reason not in {
        "ERROR_REASON_INVALID_REQUEST",
        "ERROR_REASON_NOT_IN_DIALECT",
        "ERROR_REASON_REQUIRED_IN_DIALECT",
    }


ORDER = {
    **SAMPLES["SyncOrder", OPEN]["order"],
    "national_order_id": "4590347523948399",
    "country": "japan",
    "order_type": "ORDER_SOURCING_STOCK",
}
DROPPED_FROM_ORDER = ["order.country", "order.order_type"]


def test_accepted_sync_tells_what_was_dropped(client: RpcClient, sandbox: SandboxClient) -> None:
    outcome = _call(client, "SyncOrder", OPEN, client.request("SyncOrder", {"order": ORDER}))
    assert (outcome.error, outcome.dropped_fields) == (None, DROPPED_FROM_ORDER)
    (call,) = _find_calls(sandbox)
    assert "japan" not in json.dumps(call)
    outcome = _call(client, "SyncOrder", NATIONAL, client.request("SyncOrder", {"order": ORDER}))
    assert (outcome.error, outcome.dropped_fields) == (
        None,
        ["order.sub_orders.product_name", "order.sub_orders.sku_name"],
    )


def test_stored_response_tells_what_was_dropped(client: RpcClient, sandbox: SandboxClient) -> None:
    request = client.request("SyncOrder", {"order": ORDER, "request_id": str(uuid.uuid4())})
    outcomes = [_call(client, "SyncOrder", OPEN, request) for _ in range(2)]
    assert [(each.error, each.dropped_fields) for each in outcomes] == [(None, DROPPED_FROM_ORDER)] * 2
    assert len(_find_calls(sandbox)) == 1


def test_status_sync_tells_what_was_dropped_from_the_status(
    client: RpcClient, sandbox: SandboxClient
) -> None:
    """Not what is dropped from the full order, which another caller may have synced."""
    assert _call(client, "SyncOrder", OPEN, client.request("SyncOrder", {"order": ORDER})).error is None
    status = deepcopy(SAMPLES["SyncOrderStatus", NATIONAL])
    status["order_status"]["national_order_id"] = ORDER["national_order_id"]
    outcome = _call(client, "SyncOrderStatus", OPEN, client.request("SyncOrderStatus", status))
    assert (outcome.error, outcome.dropped_fields) == (
        None,
        ["order_status.sub_orders.pay_status", "order_status.sub_orders.end_time"],
    )


@pytest.mark.parametrize("dialect", DIALECTS)
def test_relations_tell_their_dialect(dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    (relation,) = SAMPLES["WriteOrderRelations", OPEN]["relations"]
    request = client.request("WriteOrderRelations", {"relations": [relation, relation]})
    outcome = _call(client, "WriteOrderRelations", dialect, request)
    assert outcome.error is None
    assert outcome.trailers["nationalsite-dialect"] == dialect


@pytest.mark.slow
def test_enqueued_sync_tells_its_own_dialect(start_dedicated: StartDedicated) -> None:
    _, client = start_dedicated(
        "order_sync", NATIONAL, {"NATIONALSITE_DIALECTS": json.dumps({"SyncOrder": OPEN})}
    )
    for sync, dialect, dropped_fields in (
        ({"order": ORDER}, OPEN, DROPPED_FROM_ORDER),
        (SAMPLES["SyncOrderStatus", NATIONAL], NATIONAL, []),
    ):
        outcome = _call(
            client, "EnqueueSync", NATIONAL, client.request("EnqueueSync", _enqueue_request(sync))
        )
        assert outcome.error is None
        assert outcome.trailers["nationalsite-dialect"] == dialect
        assert outcome.dropped_fields == dropped_fields


@pytest.mark.slow
def test_cached_response_tells_what_was_dropped(start_dedicated: StartDedicated) -> None:
    _, client = start_dedicated("product", OPEN)
    outcomes = [_call(client, "GetCategory", OPEN, client.request("GetCategory", {})) for _ in range(2)]
    assert [each.trailers["nationalsite-cache"] for each in outcomes] == ["miss", "hit"]
    assert [each.trailers["nationalsite-dialect"] for each in outcomes] == [OPEN, OPEN]


def test_invalid_request_tells_the_dialect(client: RpcClient) -> None:
    outcome = _call(client, "SearchByKeyword", OPEN, client.request("SearchByKeyword", {"keyword": ""}))
    assert outcome.error is not None
    assert outcome.trailers["nationalsite-dialect"] == OPEN


def test_rpc_that_calls_no_operation_has_no_dialect(client: RpcClient) -> None:
    outcome = _call(client, "ListSubscriptions", OPEN, client.request("ListSubscriptions", {}))
    assert outcome.error is None
    assert "nationalsite-dialect" not in outcome.trailers


def _find_calls(sandbox: SandboxClient) -> list[Any]:
    """Return the calls that synced the order. Deliveries of other tests may be sent meanwhile."""
    return [call for call in sandbox.calls() if ORDER["national_order_id"] in json.dumps(call)]


def _find_parent(message: Any, path: str) -> tuple[Any, str]:
    """Return the message that has the field of a path, and the name of the field."""
    *names, last = path.split(".")
    for name in names:
        nested = getattr(message, name)
        message = nested[0] if message.DESCRIPTOR.fields_by_name[name].is_repeated else nested
    return message, last


def _clear(parent: Any, name: str, alternative: str) -> None:
    parent.ClearField(name)
    if name == "mobile_area":  # a rule of both dialects requires it with `mobile`
        parent.ClearField("mobile")
    if alternative:
        parent.ClearField(alternative.rpartition(".")[2])


def _set(parent: Any, name: str, _: str) -> None:
    field = parent.DESCRIPTOR.fields_by_name[name]
    value = VALUES.get(name) or _find_value(field)
    parent.ClearField(name)
    json_format.ParseDict({name: [value] if field.is_repeated else value}, parent)


def _find_value(field: FieldDescriptor) -> Any:
    if field.message_type:
        return {"google.type.Money": {"units": "1"}, "google.protobuf.Timestamp": "2026-09-03T02:00:00Z"}[
            field.message_type.full_name
        ]
    if field.enum_type:
        return field.enum_type.values[1].name
    return True if field.type == FieldDescriptor.TYPE_BOOL else "7"


def _exceed_length(parent: Any, name: str, limit: str) -> None:
    value = getattr(parent, name)
    setattr(parent, name, value.rjust(int(limit) + 1, value[0]))


def _break_pattern(parent: Any, name: str, pattern: str) -> None:
    setattr(parent, name, getattr(parent, name).upper())
    assert not re.fullmatch(pattern, getattr(parent, name))


def _add_leading_zero(parent: Any, name: str, _: str) -> None:
    setattr(parent, name, f"0{getattr(parent, name)}")


_BREAK: Mapping[str, Callable[[Any, str, str], None]] = {
    "REQUIRED_IN_DIALECT": _clear,
    "NOT_IN_DIALECT": _set,
    "DROPPED": _set,
    "DIALECT_MAX_LEN": _exceed_length,
    "DIALECT_PATTERN": _break_pattern,
    "DIALECT_LONG": _add_leading_zero,
    "OPERATION_NOT_IN_DIALECT": lambda parent, name, limit: None,
}
"""Rule -> the function that makes a request break it, from its parameters `parent`, `name` and `limit`."""
