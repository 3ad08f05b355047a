"""How the CPU cost of a call grows with SKUs of an offer, offers of a page, bytes of an image."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import pairwise

from benchmarks import responses
from benchmarks.cpu_cost import ServerCpuCost
from benchmarks.images import make_image
from benchmarks.load_client import LoadClient
from benchmarks.minimal_server import upload_server
from benchmarks.nginx import nginx
from benchmarks.processes import worker_process
from benchmarks.results import Curve, Result, Series, measure_rounds, ratio
from benchmarks.services import RunningService, detail_target, run_service, search_target, upload_target

ROUNDS = 5
SKUS: Mapping[float, int] = {20: 160, 200: 80, 2_000: 16}
OFFERS: Mapping[float, int] = {10: 400, 20: 240, 30: 400, 40: 240, 50: 400}
IMAGE_MIB = {0.1: 40, 1.0: 16, 5.0: 6}
"""Size -> calls per round."""
IN_FLIGHT = 4
NO_SHRINKING = {"NATIONALSITE_IMAGE_MAX_BYTES": str(5 * 2**20)}
"""Images are sent unchanged."""

MakeCalls = Callable[[float, int], float]
"""Makes a number of calls of a size; returns the CPU time of one in microseconds."""


def scaling(rows: Collection[str]) -> dict[str, Result]:
    """Measure the given rows."""
    measures: dict[str, Callable[[], Result]] = {
        "detail": _measure_detail,
        "pages": _measure_pages,
        "images": _measure_images,
        "images-shrunk": _measure_shrunk_images,
    }
    return {row: measure() for row, measure in measures.items() if row in rows}


def _measure_detail() -> Result:
    with (
        nginx() as upstream,
        run_service("product", upstream.url) as product,
        worker_process("grpc_client") as worker,
    ):
        client = LoadClient(worker)

        def make_calls(skus: float, calls: int) -> float:
            upstream.set_response(responses.PRODUCT_DETAIL, responses.build_product_detail(int(skus)))
            target = detail_target(product, int(skus))
            return ServerCpuCost(client=client, target=target, in_flight=IN_FLIGHT)(calls)

        return _compare_slopes("SKUs", SKUS, make_calls)


def _measure_pages() -> Result:
    with (
        nginx() as upstream,
        run_service("product", upstream.url) as product,
        worker_process("grpc_client") as worker,
    ):
        client = LoadClient(worker)

        def make_calls(offers: float, calls: int) -> float:
            upstream.set_response(responses.KEYWORD_QUERY, responses.build_search_page(int(offers)))
            target = search_target(product, int(offers))
            return ServerCpuCost(client=client, target=target, in_flight=IN_FLIGHT)(calls)

        return _compare_slopes("offers", OFFERS, make_calls)


def _measure_images() -> Result:
    """Measure what an image costs beyond receiving it, which takes new memory if the image is large."""
    uploads = {size: make_image(size) for size in IMAGE_MIB}
    with _uploading_service(NO_SHRINKING) as (client, product):
        first = upload_target(product, uploads[min(uploads)])
        with upload_server(first, client.call_once(first)) as minimal:

            def make_calls(size: float, calls: int) -> float:
                upload = upload_target(product, uploads[size])
                received = replace(minimal, request=upload.request)
                cost_us, minimal_us = (
                    ServerCpuCost(client=client, target=target, in_flight=1)(calls)
                    for target in (upload, received)
                )
                return cost_us - minimal_us

            return _compare_slopes("MiB", IMAGE_MIB, make_calls)


def _measure_shrunk_images() -> Result:
    uploads = {size: make_image(size) for size in IMAGE_MIB}
    with _uploading_service({}) as (client, product):

        def make_calls(size: float, calls: int) -> float:
            target = upload_target(product, uploads[size])
            return ServerCpuCost(client=client, target=target, in_flight=1)(calls)

        return _compare_slopes("MiB", IMAGE_MIB, make_calls)


@contextmanager
def _uploading_service(settings: Mapping[str, str]) -> Iterator[tuple[LoadClient, RunningService]]:
    with (
        nginx() as upstream,
        run_service("product", upstream.url, settings) as product,
        worker_process("grpc_client") as worker,
    ):
        upstream.set_response(responses.IMAGE_UPLOAD, responses.build_upload_response())
        yield LoadClient(worker), product


def _compare_slopes(unit: str, calls_by_size: Mapping[float, int], make_calls: MakeCalls) -> Result:
    """Compare the cost of one more at large sizes with that at small sizes: linear growth has ratio 1."""
    for size, calls in calls_by_size.items():
        make_calls(size, -(-calls // 2))  # warms up
    costs = measure_rounds(
        {f"{size:g} {unit}": partial(make_calls, size, calls) for size, calls in calls_by_size.items()},
        "us",
        ROUNDS,
    )
    small, middle, large = (list(calls_by_size)[index] for index in (0, len(calls_by_size) // 2, -1))
    lower_slope, upper_slope = (
        Series(
            name=f"one of {unit} from {low:g} to {high:g}",
            unit="us",
            values=_slopes(costs[f"{low:g} {unit}"], costs[f"{high:g} {unit}"], high - low),
        )
        for low, high in pairwise((small, middle, large))
    )
    points = tuple((size, costs[f"{size:g} {unit}"].median) for size in calls_by_size)
    curve = Curve(x_label=unit, y_label="us of CPU per call", points=points)
    return ratio(upper_slope, lower_slope, details=tuple(costs.values()), curves={"the service": curve})


def _slopes(low: Series, high: Series, distance: float) -> tuple[float, ...]:
    return tuple(
        (high_us - low_us) / distance for low_us, high_us in zip(low.values, high.values, strict=True)
    )
