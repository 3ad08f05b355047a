"""The CPU cost of a search for a small page, next to minimal servers, in the national-site dialect."""

from collections.abc import Collection
from contextlib import ExitStack

from benchmarks import responses
from benchmarks.load_client import LoadClient
from benchmarks.minimal_server import minimal_server
from benchmarks.nginx import nginx
from benchmarks.processes import worker_process
from benchmarks.results import Result, measure_servers, ratio
from benchmarks.services import run_service, search_target

DIALECT = "national-site"
OFFERS, IN_FLIGHT = 20, 32
ROUNDS, CALLS, WARM_UP_CALLS = 9, 960, 480
SERVICE = "the service"
REFERENCES = {
    "small-page": ("minimal server", ""),
    "small-page-decoding": ("minimal server that decodes", DIALECT),
}
"""Row -> its reference, and the dialect that this decodes."""


def small_page(_rows: Collection[str]) -> dict[str, Result]:
    """Measure SearchByKeyword."""
    with ExitStack() as stack:
        upstream = stack.enter_context(nginx())
        upstream.set_response(responses.KEYWORD_QUERY, responses.build_small_page(OFFERS))
        product = stack.enter_context(
            run_service("product", upstream.url, {"NATIONALSITE_DIALECT": DIALECT}, log="bench-small-page")
        )
        client = LoadClient(stack.enter_context(worker_process("grpc_client")))
        target = search_target(product, OFFERS, country="japan")
        targets = {SERVICE: target}
        url = upstream.url + upstream.path(responses.KEYWORD_QUERY)
        for name, dialect in REFERENCES.values():
            server = minimal_server(target, client.call_once(target), url, dialect)
            targets[name] = stack.enter_context(server)
        costs = measure_servers(
            client, targets, CALLS, in_flight=IN_FLIGHT, warm_up_calls=WARM_UP_CALLS, rounds=ROUNDS
        )
    return {row: ratio(costs[SERVICE], costs[name]) for row, (name, _) in REFERENCES.items()}
