"""The memory that the upload of a large image needs, in multiples of the image."""

from collections.abc import Collection

from benchmarks import responses
from benchmarks.delayed_upstream import delayed_upstream
from benchmarks.images import MIB, make_image
from benchmarks.load_client import LoadClient
from benchmarks.process_stats import peak_mib, reset_peak, resident_mib
from benchmarks.processes import worker_process
from benchmarks.results import Result, Series, absolute
from benchmarks.scenarios.scaling import NO_SHRINKING
from benchmarks.services import run_service, upload_target

LARGE_MIB, SMALL_MIB = 5.0, 0.1
DELAY_S = 0.5
ROUNDS = 3


def image_memory(_rows: Collection[str]) -> dict[str, Result]:
    """Measure one call in a new service per round: memory of earlier calls would be used again."""
    large, small = make_image(LARGE_MIB), make_image(SMALL_MIB)
    size_mib = len(large) / MIB
    multiples = list[float]()
    with (
        delayed_upstream(responses.build_upload_response(), DELAY_S) as url,
        worker_process("grpc_client") as worker,
    ):
        client = LoadClient(worker)
        for _ in range(ROUNDS):
            with run_service("product", url, NO_SHRINKING) as product:
                client.call_once(upload_target(product, small))  # so that everything lazy is initialised
                before_mib = resident_mib(product.pid)
                reset_peak(product.pid)
                client.call_once(upload_target(product, large))
                multiples.append((peak_mib(product.pid) - before_mib) / size_mib)
    return {"image-memory": absolute(Series(name="peak, in images", unit="x", values=tuple(multiples)))}
