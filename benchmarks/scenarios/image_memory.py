"""The memory that the upload of a large image needs, in multiples of the image, next to a minimal server."""

from collections.abc import Collection
from dataclasses import replace

from benchmarks import responses
from benchmarks.delayed_upstream import delayed_upstream
from benchmarks.images import MIB, make_image
from benchmarks.load_client import LoadClient, Target
from benchmarks.minimal_server import upload_server
from benchmarks.process_stats import peak_mib, reset_peak, resident_mib
from benchmarks.processes import worker_process
from benchmarks.results import Result, Series, ratio
from benchmarks.scenarios.scaling import NO_SHRINKING
from benchmarks.services import run_service, upload_target

LARGE_MIB, SMALL_MIB = 5.0, 0.1
DELAY_S = 0.5
ROUNDS = 5
SERVICE, MINIMAL = "peak, in images", "minimal server"


def image_memory(_rows: Collection[str]) -> dict[str, Result]:
    """Measure one call in a new process per round: memory of earlier calls would be used again."""
    large, small = make_image(LARGE_MIB), make_image(SMALL_MIB)
    size_mib = len(large) / MIB
    peaks: dict[str, list[float]] = {SERVICE: [], MINIMAL: []}
    with (
        delayed_upstream(responses.build_upload_response(), DELAY_S) as url,
        worker_process("grpc_client") as worker,
    ):
        client = LoadClient(worker)
        for _ in range(ROUNDS):
            with run_service("product", url, NO_SHRINKING) as product:
                target = upload_target(product, small)
                response = client.call_once(target)  # so that everything lazy is initialised
                upload = upload_target(product, large)
                peaks[SERVICE].append(_measure_peak_mib(client, upload) / size_mib)
            with upload_server(target, response) as minimal:
                client.call_once(minimal)
                upload = replace(minimal, request=upload.request)
                peaks[MINIMAL].append(_measure_peak_mib(client, upload) / size_mib)
    subject, reference = (Series(name=name, unit="x", values=tuple(values)) for name, values in peaks.items())
    return {"image-memory": ratio(subject, reference)}


def _measure_peak_mib(client: LoadClient, target: Target) -> float:
    """Return the additional resident memory at the peak of a call."""
    before_mib = resident_mib(target.pid)
    reset_peak(target.pid)
    client.call_once(target)
    return peak_mib(target.pid) - before_mib
