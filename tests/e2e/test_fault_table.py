"""Every fault of the table, with an RPC of each level, through running services (`make test-faults`)."""

import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.sandbox.controls.faults import Fault
from tests.e2e.fault_table import ROWS, Row, Told
from tools.local_stack import RunningProcess

pytestmark = pytest.mark.faults

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
TIMEOUT_S = 6.0
"""Room for three attempts and two pauses after a frequency limit; half of it for a silent attempt."""
LATE = "(late)"
"""The caller's own timer was the first to say so; which one is, nobody can know."""
DIALECT = "national-site"
CALLS = {
    # service, operation, request, whether it may be repeated
    "SearchByKeyword": ("product", "product.search.keywordQuery", {"keyword": "dress"}, True),
    "UploadImage": (
        "product",
        "product.image.upload",
        {"image": PNG, "out_member_id": "member-1"},
        True,
    ),
    "RegisterUser": (
        "account",
        "account.user.register",
        {
            "country_account": {
                "country": "japan",
                "site": "sniff",
                "out_login_name": "hanako",
                "out_member_id": "member-1",
                "email": "hanako@example.com",
                "mobile": "09012345678",
                "mobile_area": "JP",
                "ip": "192.0.2.10",
            }
        },
        False,
    ),
}
STATUS = {
    "OUTCOME_UNKNOWN": "UNKNOWN",
    "UPSTREAM_ARGUMENT": "INVALID_ARGUMENT",
    "UPSTREAM_CREDENTIAL": "INTERNAL",
    "UPSTREAM_FAULT": "UNAVAILABLE",
    "UPSTREAM_GATEWAY": "INTERNAL",
    "UPSTREAM_PERMISSION": "FAILED_PRECONDITION",
    "UPSTREAM_QUOTA": "RESOURCE_EXHAUSTED",
    "UPSTREAM_RATE": "RESOURCE_EXHAUSTED",
    "UPSTREAM_SIGNATURE": "INTERNAL",
    "UPSTREAM_UNAVAILABLE": "UNAVAILABLE",
    "UPSTREAM_UNREADABLE": "INTERNAL",
    "UPSTREAM_UNSUPPORTED": "UNIMPLEMENTED",
}
PUSHBACK = {
    "OUTCOME_UNKNOWN": "-1",
    "UPSTREAM_FAULT": "1000",
    "UPSTREAM_QUOTA": "-1",
    "UPSTREAM_RATE": "1000",
    "UPSTREAM_UNAVAILABLE": "1000",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_fault(row: Row, alone, running, rpcs, sandbox, details) -> None:
    """Services of the row's own where they remember: one fault must not colour the next."""
    serving = {name: (running[name, DIALECT], rpcs) for name in ("product", "account")}
    if row.lingers:
        with ThreadPoolExecutor() as pool:
            started = pool.map(lambda name: alone(name, DIALECT, row.settings), serving)
            serving = dict(zip(serving, started, strict=True))
    for rpc, (name, operation, request, repeatable) in CALLS.items():
        sandbox.admin("POST", "reset")
        sandbox.admin("DELETE", "calls")
        sandbox.fault(dict(row.fault), operation=operation, times=row.times)
        service, caller = serving[name]
        before = _attempts(service, operation)
        told = row.repeatable if repeatable else row.once
        found = _told(caller, rpc, request, details)
        if found == LATE and _waits_to_the_end(row, told):
            found = told.reason
        calls = [call for call in sandbox.calls() if call["path"].split("/")[-2] == operation]
        assert (rpc, found, len(calls)) == (rpc, told.reason, told.attempts)
        assert _attempts(service, operation) - before == _expected(row, told)


def _told(caller, rpc: str, request: dict[str, object], details) -> str:
    """Call; return the reason of the failure, and see to it that everything else about it fits."""
    try:
        caller.call(rpc, DIALECT, request, timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        failure = error
    else:
        return ""
    if failure.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return LATE
    found = details(failure)
    reason: str = found["ErrorInfo"].reason.removeprefix("ERROR_REASON_")
    trailers: dict[str, Any] = dict(failure.trailing_metadata())
    pushback = trailers.get("grpc-retry-pushback-ms")
    assert (failure.code().name, pushback) == (STATUS[reason], PUSHBACK.get(reason))
    delay = found["RetryInfo"].retry_delay.ToMilliseconds() if "RetryInfo" in found else None
    assert delay == (int(pushback) if pushback and pushback != "-1" else None)
    assert found["ErrorInfo"].metadata["source"] == "1688"
    return reason


def _waits_to_the_end(row: Row, told: Told) -> bool:
    return "hang" in row.fault and told is row.once


def _expected(row: Row, told: Told) -> Counter[str]:
    """Return the attempts by outcome that the metric must have counted."""
    if _waits_to_the_end(row, told):
        return Counter()  # counted when the service is done with it, which its caller does not wait for
    fine = {"OK": 1} if not told.reason else {}
    failed = told.attempts - len(fine)
    return Counter(fine | ({row.failure: failed} if failed else {}))


def _attempts(service: RunningProcess, operation: str) -> Counter[str]:
    with urllib.request.urlopen(f"{service.http}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    counted = {
        sample.labels["outcome"]: int(sample.value)
        for family in families
        for sample in family.samples
        if sample.name == "nationalsite_upstream_attempts_total"
        and f":{operation}-" in sample.labels["operation"]
        and sample.labels["outcome"] not in ("CANCELLED", "DEADLINE", "OUTCOME_UNKNOWN")
    }
    return Counter(counted)


def test_the_table_has_every_kind_of_fault() -> None:
    members = {member for row in ROWS for member in row.fault}
    assert members >= Fault.model_fields.keys() - {"headers", "content_type", "json_body"} | {"json"}
