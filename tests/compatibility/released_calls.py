"""Calls of a release with their responses, one for each operation of 1688: see releases/README.md."""

import json
import uuid
from pathlib import Path

from tests.compatibility.caller import Json
from tests.support.request_ids import add_request_id
from tests.support.sample_cases import METHODS, SERVED_RPCS, ResponseCase, response_cases

CALLS = "calls.json"
OUT_ORDER_ID = "out_order_id"
IDS = ("next_page_token", "rejection")
"""Fields of responses that differ from call to call."""


def list_calls() -> list[Json]:
    """Return the calls of this tree: those of the samples with the most content."""
    cases: dict[str, ResponseCase] = {}
    for case in response_cases():
        if case.rpc in SERVED_RPCS and case.response is not None and not _differs(case):
            cases[case.rpc] = max(cases.get(case.rpc, case), case, key=_measure)
    return [_build_call(case) for case in cases.values()]


def write_calls(folder: Path) -> None:
    """Write the calls of this tree to a folder."""
    calls = json.dumps(list_calls(), indent=1, ensure_ascii=False)
    (folder / CALLS).write_text(calls + "\n", encoding="utf-8")


def read_calls(folder: Path) -> list[Json]:
    """Return the calls in a folder."""
    calls: list[Json] = json.loads((folder / CALLS).read_text(encoding="utf-8"))
    return calls


def _differs(case: ResponseCase) -> bool:
    return any(name in case.full_response for name in IDS)


def _measure(case: ResponseCase) -> int:
    return len(json.dumps(case.full_response))


def _build_call(case: ResponseCase) -> Json:
    request = add_request_id(METHODS[case.rpc].input_type, case.request)
    if OUT_ORDER_ID in request:  # the service does not take an id twice
        request[OUT_ORDER_ID] = f"SITE-{uuid.uuid4()}"
    return {
        "sample": case.name,
        "rpc": case.rpc,
        "dialect": case.dialect,
        "request": request,
        "response": case.full_response,
    }
