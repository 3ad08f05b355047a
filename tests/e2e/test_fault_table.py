"""Every fault of the table, with an RPC of each idempotency level (`make test-faults`)."""

import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.sandbox.controls.faults import Fault
from tests.e2e.conftest import RpcClient, ServicePool, StartDedicated
from tests.e2e.fault_table import FAULT_CASES, FaultCase, Result
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details
from tools.local_stack import RunningProcess

pytestmark = pytest.mark.faults

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
TIMEOUT_S = 6.0
"""Enough for three attempts and two delays after a rate limit. An attempt times out after half of it."""
CLIENT_TIMEOUT = "(client timeout)"
"""The client's deadline passed before the error of the service arrived. Which is first depends on timing."""
DIALECT = "national-site"
CALLS = {
    # RPC: service, operation, request, whether it is idempotent
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
    "UPSTREAM_REFUSED": "FAILED_PRECONDITION",
    "UPSTREAM_SIGNATURE": "INTERNAL",
    "UPSTREAM_UNAVAILABLE": "UNAVAILABLE",
    "UPSTREAM_UNREADABLE": "INTERNAL",
    "UPSTREAM_UNSUPPORTED": "UNIMPLEMENTED",
}
RETRY_DELAY_MS = dict.fromkeys(("UPSTREAM_FAULT", "UPSTREAM_RATE", "UPSTREAM_UNAVAILABLE"), 1000)


@pytest.mark.parametrize("case", FAULT_CASES, ids=lambda case: case.name)
def test_fault(
    case: FaultCase,
    start_dedicated: StartDedicated,
    running_services: ServicePool,
    client: RpcClient,
    sandbox: SandboxClient,
) -> None:
    """A case that changes the state of services gets its own, so that it cannot affect the next case."""
    services = {name: (running_services[name, DIALECT], client) for name in ("product", "account")}
    if case.changes_state:
        with ThreadPoolExecutor() as pool:
            started = pool.map(lambda name: start_dedicated(name, DIALECT, case.settings), services)
            services = dict(zip(services, started, strict=True))
    for rpc, (name, operation, request, idempotent) in CALLS.items():
        sandbox.admin("POST", "reset")
        sandbox.admin("DELETE", "calls")
        sandbox.inject_fault(dict(case.fault), operation=operation, times=case.times)
        service, service_client = services[name]
        attempts_before = _count_attempts(service, operation)
        expected = case.idempotent if idempotent else case.non_idempotent
        reason = _call(service_client, rpc, request)
        if reason == CLIENT_TIMEOUT and _uses_whole_deadline(case, expected):
            reason = expected.reason
        calls = [call for call in sandbox.calls() if call["path"].split("/")[-2] == operation]
        assert (rpc, reason, len(calls)) == (rpc, expected.reason, expected.attempts)
        attempts = _count_attempts(service, operation) - attempts_before
        assert attempts == _expected_attempts(case, expected)


def _call(client: RpcClient, rpc: str, request: dict[str, object]) -> str:
    """Call; return the reason of the error, or an empty text. Check the other details of the error."""
    try:
        client.call(rpc, DIALECT, request, timeout=TIMEOUT_S)
    except grpc.RpcError as caught:
        error = caught
    else:
        return ""
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return CLIENT_TIMEOUT
    details = parse_status_details(error)
    reason: str = details["ErrorInfo"].reason.removeprefix("ERROR_REASON_")
    trailers: dict[str, Any] = dict(error.trailing_metadata())
    assert error.code().name == STATUS[reason]
    # The service has retried what a retry helps, so no channel may.
    assert trailers.get("grpc-retry-pushback-ms") == "-1"
    delay = details["RetryInfo"].retry_delay.ToMilliseconds() if "RetryInfo" in details else None
    assert delay == RETRY_DELAY_MS.get(reason)
    assert details["ErrorInfo"].metadata["source"] == "1688"
    return reason


def _uses_whole_deadline(case: FaultCase, expected: Result) -> bool:
    return "hang" in case.fault and expected is case.non_idempotent


def _expected_attempts(case: FaultCase, expected: Result) -> Counter[str]:
    """Return the attempts by outcome that the metric must have counted."""
    if _uses_whole_deadline(case, expected):
        return Counter()  # the service counts it after the caller's deadline
    succeeded = {"OK": 1} if not expected.reason else {}
    failed = expected.attempts - len(succeeded)
    return Counter(succeeded | ({case.attempt_outcome: failed} if failed else {}))


def _count_attempts(service: RunningProcess, operation: str) -> Counter[str]:
    """Return the number of attempts of an operation by their outcome."""
    with urllib.request.urlopen(f"{service.http}/metrics", timeout=10) as response:
        families = list(text_string_to_metric_families(response.read().decode()))
    counts = {
        sample.labels["outcome"]: int(sample.value)
        for family in families
        for sample in family.samples
        if sample.name == "nationalsite_upstream_attempts_total"
        and f":{operation}-" in sample.labels["operation"]
        and sample.labels["outcome"] not in ("CANCELLED", "DEADLINE", "OUTCOME_UNKNOWN")
    }
    return Counter(counts)


def test_the_table_has_every_kind_of_fault() -> None:
    members = {member for case in FAULT_CASES for member in case.fault}
    assert members >= Fault.model_fields.keys() - {"headers", "content_type", "json_body"} | {"json"}
