"""What a search costs, beside the same work by hand, in Envoy, and the floor of gRPC in Python."""

import json
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import replies
from benchmarks.answering import answering
from benchmarks.calling import Caller, Target
from benchmarks.costs import ByHand, Called, Cost
from benchmarks.envoy import METHOD, envoy, messages, transcoded
from benchmarks.nginx import Upstream, nginx
from benchmarks.processes import worker
from benchmarks.services import PRODUCT, Service, searching, service
from benchmarks.taken import Taken, alternated, ratio

OFFERS, IN_FLIGHT = 20, 32
ROUNDS, CALLS, WARM_UP = 7, 640, 320
"""Calls are of each subject, in each round."""

SERVICE, HAND, TRANSCODER, FLOOR = "the service", "by hand", "Envoy", "the floor"
EVERYTHING = "with policy and traces"
REFERENCES = {"hand": HAND, "transcoder": TRANSCODER, "floor": FLOOR, "everything": EVERYTHING}
"""Row -> what the service is compared with."""
IDENTITY = "spiffe://shop.example/ns/web/sa/shop"


def search(rows: Collection[str]) -> dict[str, Taken]:
    """Measure the rows that are named."""
    compared = {row: what for row, what in REFERENCES.items() if row in rows}
    with _subjects(compared.values()) as subjects:
        for subject in subjects.values():
            subject(WARM_UP)
        costs = alternated(subjects, CALLS, unit="us", rounds=ROUNDS)
    taken = {row: ratio(costs[SERVICE], costs[what]) for row, what in compared.items()}
    if "everything" in taken:  # the only one that is told the other way round
        taken["everything"] = ratio(costs[EVERYTHING], costs[SERVICE])
    return taken


@contextmanager
def _subjects(references: Collection[str]) -> Iterator[dict[str, Cost]]:
    """Yield what calls each."""
    with ExitStack() as running:
        upstream = running.enter_context(nginx())
        upstream.answer(replies.KEYWORD_QUERY, replies.page(OFFERS))
        caller = Caller(running.enter_context(worker("caller")))

        def called(target: Target) -> Cost:
            return Called(caller=caller, target=target, in_flight=IN_FLIGHT)

        found = searching(running.enter_context(service("product", upstream.url)), OFFERS)
        subjects: dict[str, Cost] = {SERVICE: called(found)}
        if HAND in references:
            by_hand = running.enter_context(worker("hand", upstream.url))
            subjects[HAND] = ByHand(worker=by_hand, in_flight=IN_FLIGHT, offers=OFFERS)
        if TRANSCODER in references:
            subjects[TRANSCODER] = called(running.enter_context(_transcoder(upstream)))
        if FLOOR in references:
            url = upstream.url + upstream.path(replies.KEYWORD_QUERY)
            floor = answering("floor", found, caller.one(found), url)
            subjects[FLOOR] = called(running.enter_context(floor))
        if EVERYTHING in references:
            everything = searching(running.enter_context(_everything(upstream)), OFFERS)
            subjects[EVERYTHING] = called(replace(everything, identity=IDENTITY))
        yield subjects


@contextmanager
def _everything(upstream: Upstream) -> Iterator[Service]:
    """Run the service with all that can be switched on besides: who calls, who may, and every span."""
    upstream.answer_at("/v1/traces", b"")
    with TemporaryDirectory(prefix="policy-") as directory:
        policy = Path(directory) / "policy.json"
        policy.write_text(json.dumps({"rules": [{"callers": [IDENTITY], "methods": [f"{PRODUCT}/*"]}]}))
        settings = {
            "NATIONALSITE_TRUSTED_PROXIES": "loopback",
            "NATIONALSITE_POLICY_FILE": str(policy),
            "OTEL_EXPORTER_OTLP_ENDPOINT": upstream.url,
        }
        with service("product", upstream.url, settings, log="bench-everything") as running:
            yield running


@contextmanager
def _transcoder(upstream: Upstream) -> Iterator[Target]:
    file = transcoded(replies.sample_page(), upstream.path(replies.KEYWORD_QUERY))
    request, reply = messages(file)

    def right(answer: bytes) -> bool:
        found = reply.FromString(answer)
        return len(found.result.result.data) == OFFERS  # type: ignore[attr-defined] # made from the sample

    asked = request(offerQueryParam='{"keyword":"dress","beginPage":1,"pageSize":20,"country":"en"}')
    with envoy(file, upstream) as running:
        yield Target(
            pid=running.pid,
            address=running.address,
            method=METHOD,
            request=asked.SerializeToString(),
            right=right,
        )
