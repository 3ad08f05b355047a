"""The CPU cost of a search, next to a handwritten client, to Envoy, and to a minimal gRPC server."""

import json
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import responses
from benchmarks.cpu_cost import CpuCost, HandwrittenClient, ServerCpuCost
from benchmarks.envoy import METHOD, build_file, envoy, message_classes
from benchmarks.load_client import LoadClient, Target
from benchmarks.minimal_server import minimal_server
from benchmarks.nginx import NginxUpstream, nginx
from benchmarks.processes import worker_process
from benchmarks.results import Result, measure_cpu_costs, ratio
from benchmarks.services import PRODUCT, RunningService, run_service, search_target

OFFERS, IN_FLIGHT = 20, 32
ROUNDS, CALLS, WARM_UP_CALLS = 7, 640, 320
"""Calls of each subject in each round."""

SERVICE, HANDWRITTEN, TRANSCODER = "the service", "handwritten client", "Envoy"
MINIMAL, DECODING = "minimal server", "minimal server that decodes"
ALL_FEATURES = "with policy and traces"
REFERENCES = {
    "handwritten": HANDWRITTEN,
    "transcoder": TRANSCODER,
    "minimal": MINIMAL,
    "decoding": DECODING,
    "all-features": ALL_FEATURES,
}
"""Row -> the subject that the service is compared with."""
IDENTITY = "spiffe://shop.example/ns/web/sa/shop"


def search(rows: Collection[str]) -> dict[str, Result]:
    """Measure the given rows."""
    references = {row: reference for row, reference in REFERENCES.items() if row in rows}
    with _subjects(references.values()) as subjects:
        for subject in subjects.values():
            subject(WARM_UP_CALLS)
        costs = measure_cpu_costs(subjects, CALLS, rounds=ROUNDS)
    results = {row: ratio(costs[SERVICE], costs[reference]) for row, reference in references.items()}
    if "all-features" in results:  # the only row whose reference is the default configuration
        results["all-features"] = ratio(costs[ALL_FEATURES], costs[SERVICE])
    return results


@contextmanager
def _subjects(references: Collection[str]) -> Iterator[dict[str, CpuCost]]:
    """Yield the service and the references, running."""
    with ExitStack() as stack:
        upstream = stack.enter_context(nginx())
        upstream.set_response(responses.KEYWORD_QUERY, responses.build_search_page(OFFERS))
        client = LoadClient(stack.enter_context(worker_process("grpc_client")))

        def server_cost(target: Target) -> CpuCost:
            return ServerCpuCost(client=client, target=target, in_flight=IN_FLIGHT)

        service_target = search_target(stack.enter_context(run_service("product", upstream.url)), OFFERS)
        subjects: dict[str, CpuCost] = {SERVICE: server_cost(service_target)}
        if HANDWRITTEN in references:
            worker = stack.enter_context(worker_process("handwritten_client", upstream.url))
            subjects[HANDWRITTEN] = HandwrittenClient(worker=worker, in_flight=IN_FLIGHT, offers=OFFERS)
        if TRANSCODER in references:
            subjects[TRANSCODER] = server_cost(stack.enter_context(_transcoder(upstream)))
        url = upstream.url + upstream.path(responses.KEYWORD_QUERY)
        for subject, dialect in ((MINIMAL, ""), (DECODING, "open-platform")):
            if subject in references:
                server = minimal_server(service_target, client.call_once(service_target), url, dialect)
                subjects[subject] = server_cost(stack.enter_context(server))
        if ALL_FEATURES in references:
            target = search_target(stack.enter_context(_service_with_all_features(upstream)), OFFERS)
            subjects[ALL_FEATURES] = server_cost(replace(target, identity=IDENTITY))
        yield subjects


@contextmanager
def _service_with_all_features(upstream: NginxUpstream) -> Iterator[RunningService]:
    """Run the service with the features that are off by default: identities, policy, traces."""
    upstream.set_response_at("/v1/traces", b"")
    with TemporaryDirectory(prefix="policy-") as directory:
        policy = Path(directory) / "policy.json"
        policy.write_text(json.dumps({"rules": [{"callers": [IDENTITY], "methods": [f"{PRODUCT}/*"]}]}))
        settings = {
            "NATIONALSITE_TRUSTED_PROXIES": "loopback",
            "NATIONALSITE_POLICY_FILE": str(policy),
            "OTEL_EXPORTER_OTLP_ENDPOINT": upstream.url,
        }
        with run_service("product", upstream.url, settings, log="bench-all-features") as product:
            yield product


@contextmanager
def _transcoder(upstream: NginxUpstream) -> Iterator[Target]:
    file = build_file(responses.load_sample_page(), upstream.path(responses.KEYWORD_QUERY))
    request_class, message_class = message_classes(file)

    def is_expected(response: bytes) -> bool:
        message = message_class.FromString(response)
        return len(message.result.result.data) == OFFERS  # type: ignore[attr-defined] # fields are those of the sample

    request = request_class(offerQueryParam='{"keyword":"dress","beginPage":1,"pageSize":20,"country":"en"}')
    with envoy(file, upstream) as server:
        yield Target(
            pid=server.pid,
            address=server.address,
            method=METHOD,
            request=request.SerializeToString(),
            is_expected=is_expected,
        )
