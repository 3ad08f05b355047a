"""The CPU cost of a cached response, next to a minimal server that returns the same bytes."""

from collections.abc import Collection

from benchmarks import responses
from benchmarks.cpu_cost import CpuCost, ServerCpuCost
from benchmarks.load_client import LoadClient
from benchmarks.minimal_server import minimal_server
from benchmarks.nginx import nginx
from benchmarks.processes import worker_process
from benchmarks.results import Result, measure_cpu_costs, ratio
from benchmarks.services import category_target, run_service

IN_FLIGHT = 32
ROUNDS, CALLS, WARM_UP_CALLS = 9, 960, 960
SERVICE, MINIMAL = "the service", "minimal server"


def cached(_rows: Collection[str]) -> dict[str, Result]:
    """Measure GetCategory."""
    with (
        nginx() as upstream,
        run_service("product", upstream.url) as product,
        worker_process("grpc_client") as worker,
    ):
        upstream.set_response(responses.CATEGORY_GET, responses.build_category_response())
        client, target = LoadClient(worker), category_target(product)
        with minimal_server(target, client.call_once(target)) as minimal_target:
            subjects: dict[str, CpuCost] = {
                SERVICE: ServerCpuCost(client=client, target=target, in_flight=IN_FLIGHT),
                MINIMAL: ServerCpuCost(client=client, target=minimal_target, in_flight=IN_FLIGHT),
            }
            for subject in subjects.values():
                subject(WARM_UP_CALLS)
            costs = measure_cpu_costs(subjects, CALLS, rounds=ROUNDS)
    return {"cached": ratio(costs[SERVICE], costs[MINIMAL])}
