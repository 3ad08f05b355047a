"""Images that are expensive to decode, sent to a running service: memory is bounded, and no process stays."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest
from PIL import Image

from services.product.image_process import MEMORY_LIMIT_BYTES
from tests.e2e.conftest import RpcClient, StartDedicated
from tests.support.child_processes import list_children, read_command, read_peak_bytes
from tests.support.image_bombs import build_bombs, build_jpeg, pad, save
from tests.support.polling import wait_until
from tests.support.status_details import parse_status_details
from tools.local_stack import RunningProcess, start_service, stop

pytestmark = pytest.mark.slow

MIB = 2**20
SERVICE_MIB = 640
"""What the memory limit of the pod leaves to the service (docs/operations.md)."""
TIMEOUT_S = 30
REJECTED = {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED}
HONEST = pad(save(Image.radial_gradient("L"), "JPEG"))
HEAVY = pad(build_jpeg(6_600, 4_400, progressive=True, subsampling=0))
"""Within the limits; it takes about half a second of CPU time."""


def start_upload(client: RpcClient, image: bytes) -> grpc.Future:
    request = client.request("UploadImage", {})
    request.image = image
    return client.method("UploadImage", "open-platform").future(request, timeout=TIMEOUT_S)


def list_image_processes(pid: int) -> set[int]:
    """Return the image processes of a service; without those that still have the memory of their parent."""
    return {child for child in list_children(pid) if "image_process" in read_command(child)}


@contextmanager
def watched_memory(pid: int) -> Iterator[dict[int, int]]:
    """Record the peak of each process: of the service and of its children."""
    peaks: dict[int, int] = {}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            for each in {pid, *list_image_processes(pid)}:
                peaks[each] = max(peaks.get(each, 0), read_peak_bytes(each))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        stop.set()
        thread.join()


def test_bombs_beside_an_honest_image(start_dedicated: StartDedicated) -> None:
    service, client = start_dedicated("product", "open-platform")
    pid = service.process.pid
    with watched_memory(pid) as peaks:
        bombs = {name: start_upload(client, pad(content)) for name, (content, _) in build_bombs().items()}
        heavy = [start_upload(client, HEAVY) for _ in range(2)]
        assert start_upload(client, HONEST).result().image_id.isdigit()
        assert all(upload.result().image_id.isdigit() for upload in heavy)
        for name, upload in bombs.items():
            assert upload.code() is grpc.StatusCode.INVALID_ARGUMENT, name
            (violation,) = parse_status_details(upload.exception())["BadRequest"].field_violations
            assert violation.field == "image"
    assert max(peak for each, peak in peaks.items() if each != pid) < MEMORY_LIMIT_BYTES
    assert peaks[pid] < SERVICE_MIB * MIB
    assert list_children(pid) == set()


def test_many_large_images_at_once(start_dedicated: StartDedicated) -> None:
    """Some are re-encoded; the others wait unread, or are rejected, and do not stay in the memory."""
    service, client = start_dedicated("product", "open-platform")
    pid = service.process.pid
    with watched_memory(pid) as peaks:
        uploads = [start_upload(client, pad(HONEST, 5 * MIB)) for _ in range(40)]
        codes = {upload.code() for upload in uploads}
    assert grpc.StatusCode.OK in codes
    assert codes <= {*REJECTED, grpc.StatusCode.OK}
    assert peaks[pid] < SERVICE_MIB * MIB
    assert list_children(pid) == set()


def test_cancelled_call_ends_its_process(start_dedicated: StartDedicated) -> None:
    service, client = start_dedicated("product", "open-platform")
    uploads = [start_upload(client, HEAVY) for _ in range(2)]
    wait_until(lambda: len(list_children(service.process.pid)) == 2)
    for upload in uploads:
        upload.cancel()
    wait_until(lambda: not list_children(service.process.pid))
    assert start_upload(client, HONEST).result().image_id.isdigit()


def test_killed_process_fails_only_its_call(start_dedicated: StartDedicated) -> None:
    service, client = start_dedicated("product", "open-platform")
    upload = start_upload(client, HEAVY)
    wait_until(lambda: bool(list_children(service.process.pid)))
    for child in list_children(service.process.pid):
        os.kill(child, signal.SIGKILL)
    assert upload.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert parse_status_details(upload.exception())["ErrorInfo"].reason == "ERROR_REASON_OVERLOADED"
    assert start_upload(client, HONEST).result().image_id.isdigit()


def test_shutdown_leaves_no_process(start_dedicated: StartDedicated) -> None:
    service, client = start_dedicated("product", "open-platform", {"NATIONALSITE_GRACE_SECONDS": "0"})
    uploads = [start_upload(client, HEAVY) for _ in range(4)]
    wait_until(lambda: len(list_children(service.process.pid)) == 2)
    children = list_children(service.process.pid)
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(TIMEOUT_S) == 0
    assert not any(read_peak_bytes(child) for child in children)
    ends = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.OK}  # it came first
    assert {upload.code() for upload in uploads} <= ends


def test_processes_of_a_killed_service_end(running_sandbox: RunningProcess) -> None:
    service = start_service("product", running_sandbox.address, log="test-killed-product")
    client = RpcClient({("product", "open-platform"): service})
    upload = start_upload(client, HEAVY)
    wait_until(lambda: bool(list_children(service.process.pid)))
    children = list_children(service.process.pid)
    service.process.kill()
    assert stop(service) == -signal.SIGKILL
    assert upload.code() is grpc.StatusCode.UNAVAILABLE
    wait_until(lambda: not any(read_peak_bytes(child) for child in children))
    client.close()
