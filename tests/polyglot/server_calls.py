"""How many calls a service and 1688 have counted: `server_calls` and `upstream_attempts` of a case.

`{"status": "CANCELLED", "min": 1, "max": 1}` is the number of calls of the case's RPC that ended with this
status while the runner of a language ran. Therefore only one case of a target may have the same RPC and
status. `max` is optional.

`{"operation": "product.search.queryProductDetail", "min": 2, "max": 3}` is the number of calls of an
operation that the sandbox behind the FAILING targets received meanwhile. Only one case may call it there.
"""

import re
import time
import urllib.request
from typing import Any

from tests.support.sandbox_client import SandboxClient
from tools.local_stack import RunningProcess

_COUNTER = re.compile(
    r"^grpc_server_call_duration_seconds_count"
    r'\{grpc_method="(?P<rpc>[^"]+)",grpc_status="(?P<status>\w+)"\} (?P<count>\S+)$',
    re.M,
)
_TIMEOUT_S = 10
Counts = dict[tuple[str, str], int]


def count_calls(service: RunningProcess) -> Counts:
    """Return how many calls have ended, by RPC and status."""
    with urllib.request.urlopen(f"{service.http}/metrics", timeout=_TIMEOUT_S) as response:
        text = response.read().decode()
    return {(match["rpc"], match["status"]): int(float(match["count"])) for match in _COUNTER.finditer(text)}


def check_server_calls(case: dict[str, Any], service: RunningProcess, before: Counts) -> str:
    """Compare the calls since `before` with the case; return the difference, empty if there is none."""
    expected = case["server_calls"]
    key = (case["rpc"], expected["status"])
    deadline = time.monotonic() + _TIMEOUT_S
    # A call may end at the server after it has ended at the client.
    while (actual := count_calls(service).get(key, 0) - before.get(key, 0)) < expected["min"]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    if expected["min"] <= actual <= expected.get("max", actual):
        return ""
    return f"the server counted {actual} calls with status {expected['status']}, not {expected}"


def count_attempts(sandbox: SandboxClient) -> dict[str, int]:
    """Return how many calls a sandbox has received, by operation."""
    operations = sandbox.state()["operations"]
    return {name: counts["attempts"] for name, counts in operations.items()}


def check_upstream_attempts(case: dict[str, Any], sandbox: SandboxClient, before: dict[str, int]) -> str:
    """Compare the calls at 1688 since `before` with the case; return the difference, or an empty text."""
    expected = case["upstream_attempts"]
    operation = expected["operation"]
    actual = count_attempts(sandbox).get(operation, 0) - before.get(operation, 0)
    if expected["min"] <= actual <= expected["max"]:
        return ""
    return f"1688 received {actual} calls of {operation}, not {expected}"
