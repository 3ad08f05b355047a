"""What a service has counted of its calls: `seen` of a case.

`{"status": "CANCELLED", "at_least": 1, "at_most": 1}` is the number of calls of the case's RPC that ended so
while a language's runner ran; so at most one case of an address may have the same RPC and status. `at_most`
may be left out.
"""

import re
import time
import urllib.request
from typing import Any

from tools.local_stack import RunningProcess

_ENDED = re.compile(
    r"^grpc_server_call_duration_seconds_count"
    r'\{grpc_method="(?P<rpc>[^"]+)",grpc_status="(?P<status>\w+)"\} (?P<count>\S+)$',
    re.M,
)
_WITHIN_S = 10
Counts = dict[tuple[str, str], int]


def counts(service: RunningProcess) -> Counts:
    """Return how many calls have ended, by RPC and status."""
    with urllib.request.urlopen(f"{service.http}/metrics", timeout=_WITHIN_S) as answer:
        text = answer.read().decode()
    return {(each["rpc"], each["status"]): int(float(each["count"])) for each in _ENDED.finditer(text)}


def unseen(case: dict[str, Any], service: RunningProcess, before: Counts) -> str:
    """Return what the service did not see as the case wants it; empty where it did, in a while."""
    wanted = case["seen"]
    key = (case["rpc"], wanted["status"])
    until = time.monotonic() + _WITHIN_S
    while (found := counts(service).get(key, 0) - before.get(key, 0)) < wanted["at_least"]:
        if time.monotonic() > until:
            break
        time.sleep(0.05)
    if wanted["at_least"] <= found <= wanted.get("at_most", found):
        return ""
    return f"the server saw {found} calls end as {wanted['status']}, not {wanted}"
