"""What an answer costs that the service has kept, beside an echo of the same bytes."""

from collections.abc import Collection

from benchmarks import replies
from benchmarks.answering import answering
from benchmarks.calling import Caller
from benchmarks.costs import Called, Cost
from benchmarks.nginx import nginx
from benchmarks.processes import worker
from benchmarks.services import categories, service
from benchmarks.taken import Taken, alternated, ratio

IN_FLIGHT = 32
ROUNDS, CALLS, WARM_UP = 9, 960, 960
SERVICE, ECHO = "the service", "an echo"


def cached(_rows: Collection[str]) -> dict[str, Taken]:
    """Measure GetCategory."""
    with nginx() as upstream, service("product", upstream.url) as product, worker("caller") as calling:
        upstream.answer(replies.CATEGORY_GET, replies.category())
        caller, kept = Caller(calling), categories(product)
        with answering("floor", kept, caller.one(kept)) as echo:
            subjects: dict[str, Cost] = {
                SERVICE: Called(caller=caller, target=kept, in_flight=IN_FLIGHT),
                ECHO: Called(caller=caller, target=echo, in_flight=IN_FLIGHT),
            }
            for subject in subjects.values():
                subject(WARM_UP)
            costs = alternated(subjects, CALLS, unit="us", rounds=ROUNDS)
    return {"cached": ratio(costs[SERVICE], costs[ECHO])}
