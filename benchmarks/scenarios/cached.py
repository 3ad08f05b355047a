"""The CPU cost of a cached response, next to minimal servers that return the same bytes."""

from collections.abc import Collection
from contextlib import ExitStack

from benchmarks import responses
from benchmarks.load_client import LoadClient
from benchmarks.minimal_server import cached_server, minimal_server
from benchmarks.nginx import nginx
from benchmarks.processes import worker_process
from benchmarks.results import Result, measure_servers, ratio
from benchmarks.services import category_target, run_service

IN_FLIGHT = 32
ROUNDS, CALLS, WARM_UP_CALLS = 9, 960, 960
SERVICE = "the service"
REFERENCES = {
    "cached": ("minimal server", minimal_server),
    "cached-complete": ("complete minimal server", cached_server),
}
"""Row -> its reference."""


def cached(_rows: Collection[str]) -> dict[str, Result]:
    """Measure GetCategory."""
    with ExitStack() as stack:
        upstream = stack.enter_context(nginx())
        upstream.set_response(responses.CATEGORY_GET, responses.build_category_response())
        product = stack.enter_context(run_service("product", upstream.url))
        client = LoadClient(stack.enter_context(worker_process("grpc_client")))
        target = category_target(product)
        response, targets = client.call_once(target), {SERVICE: target}
        for name, run_server in REFERENCES.values():
            targets[name] = stack.enter_context(run_server(target, response))
        costs = measure_servers(
            client, targets, CALLS, in_flight=IN_FLIGHT, warm_up_calls=WARM_UP_CALLS, rounds=ROUNDS
        )
    return {row: ratio(costs[SERVICE], costs[name]) for row, (name, _) in REFERENCES.items()}
