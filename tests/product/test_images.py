"""Each image is re-encoded in a process of its own, which is limited, and killed if its call ends earlier."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from PIL import Image

from services.caller import set_queue_owner
from services.errors import DeadlineExceeded, InternalFault, InvalidRequest, Overloaded
from services.product import image_header, image_process, images
from services.product.images import ImageShrinker
from tests.support.child_processes import list_children
from tests.support.image_bombs import build_bombs, build_jpeg, pad, repeat_last_scan, save

LIMIT = 300_000
MIB = 2**20
HONEST = pad(save(Image.radial_gradient("L"), "JPEG"))
SLEEP = "import time; time.sleep(60)"
Shrink = Callable[..., Coroutine[Any, Any, bytes]]


@pytest.fixture
async def shrinker() -> Any:
    """Re-encodes two images at a time. No process is left behind."""
    before = list_children(os.getpid())
    yield ImageShrinker(2)
    assert list_children(os.getpid()) == before


@pytest.fixture
def shrink(shrinker: ImageShrinker) -> Shrink:
    async def shrink(content: bytes, *, timeout_s: float = 30) -> bytes:
        deadline = asyncio.get_running_loop().time() + timeout_s
        return await shrinker.shrink_to_fit(content, LIMIT, "image", deadline)

    return shrink


@pytest.fixture
def run_instead(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """run_instead(code) lets the processes run this code."""

    def patch(code: str) -> None:
        monkeypatch.setattr(images, "_COMMAND", (sys.executable, "-S", "-c", code))

    return patch


async def new_child(before: set[int]) -> int:
    """Wait for a child process that was not there before."""
    while True:
        if new := list_children(os.getpid()) - before:
            return new.pop()
        await asyncio.sleep(0.005)


async def test_small_image_is_sent_unchanged(shrink: Shrink) -> None:
    """Byte for byte: it is not even looked at."""
    content = b"\xff\xd8\xff" + bytes(LIMIT - 3)
    assert await shrink(content) is content


async def test_large_image_is_reencoded(shrink: Shrink) -> None:
    assert (await shrink(HONEST)).startswith(b"\xff\xd8\xff")


async def test_rejected_image_is_named_by_its_field(shrink: Shrink) -> None:
    with pytest.raises(InvalidRequest) as rejected:
        await shrink(pad(build_jpeg(12_240, 12_240, progressive=True)))
    (violation,) = rejected.value.violations
    assert (violation.field, violation.reason) == ("image", "IMAGE_PIXELS")
    assert violation.description.startswith("must need at most 200 MiB when it is decoded")


async def test_process_is_killed_at_the_deadline(shrink: Shrink, run_instead: Callable[[str], None]) -> None:
    run_instead(SLEEP)
    for _ in range(3):  # more often than there are places
        with pytest.raises(DeadlineExceeded, match="before the image was re-encoded"):
            await shrink(HONEST, timeout_s=0.02)


async def test_process_is_killed_after_its_own_timeout(
    shrink: Shrink, run_instead: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_instead(SLEEP)
    monkeypatch.setattr(images, "_PROCESS_TIMEOUT_S", 0.02)
    with pytest.raises(Overloaded, match="in time"):
        await shrink(HONEST)


async def test_cancelled_call_kills_its_process(shrink: Shrink, run_instead: Callable[[str], None]) -> None:
    run_instead(SLEEP)
    for _ in range(3):
        before = list_children(os.getpid())
        call = asyncio.create_task(shrink(HONEST))
        child = await new_child(before)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert child not in list_children(os.getpid())


@pytest.mark.parametrize(
    ("code", "error", "text"),
    [
        ("import os; os.kill(os.getpid(), 9)", Overloaded, "was killed"),
        ("import os; os.kill(os.getpid(), 11)", InternalFault, "exit code -11"),
        ("raise KeyError('x')", InternalFault, "exit code 1"),
        (
            "import os; os.kill(os.getpid(), 24)",
            InvalidRequest,
            "image: must be re-encoded within 5 s of CPU time",
        ),
    ],
)
async def test_crash_fails_only_its_call(
    shrink: Shrink, run_instead: Callable[[str], None], code: str, error: type[Exception], text: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "_COMMAND", (sys.executable, "-S", "-c", code))
        with pytest.raises(error, match=text):
            await shrink(HONEST)
    run_instead("print('the next image')")
    assert await shrink(HONEST) == b"the next image\n"


async def test_waiting_images_are_bounded(shrink: Shrink, run_instead: Callable[[str], None]) -> None:
    run_instead(SLEEP)
    before = list_children(os.getpid())
    waiting = [asyncio.create_task(shrink(HONEST)) for _ in range(2 + images.MAX_WAITING)]
    await asyncio.sleep(0)
    assert len(list_children(os.getpid()) - before) == 2
    with pytest.raises(Overloaded, match="too many images wait"):
        await shrink(HONEST)
    for call in waiting:
        call.cancel()
    await asyncio.wait(waiting)
    run_instead("print('free again')")
    assert await shrink(HONEST) == b"free again\n"


async def test_a_modest_caller_waits_behind_one_image_of_each_other(
    run_instead: Callable[[str], None],
) -> None:
    run_instead("pass")
    shrinker = ImageShrinker(1)
    finished = []

    async def call(caller: str) -> None:
        set_queue_owner(caller)
        try:
            await shrinker.shrink_to_fit(HONEST, LIMIT, "image", asyncio.get_running_loop().time() + 30)
        except Overloaded:
            return
        finished.append(caller)

    async with asyncio.TaskGroup() as calls:
        for caller in ["greedy"] * (1 + images.MAX_WAITING) + ["modest"]:
            calls.create_task(call(caller))
    assert finished.index("modest") == 2  # behind the one that had the process, and one that waited
    assert finished.count("greedy") == images.MAX_WAITING  # the last one made room


async def test_process_inherits_no_environment_and_no_files(
    shrink: Shrink, run_instead: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATIONALSITE_APP_SECRET", "secret")
    run_instead("import os; print(*os.environ); print(*os.listdir('/proc/self/fd'))")
    variables, files = (await shrink(HONEST)).decode().splitlines()
    assert set(variables.split()) - {"LC_CTYPE"} == {"PYTHONPATH"}  # Python itself sets LC_CTYPE
    assert files == "0 1 2 3"  # 3 lists the folder


@pytest.mark.slow
@pytest.mark.parametrize("name", build_bombs())
async def test_bombs_are_rejected(shrink: Shrink, name: str) -> None:
    content, reason = build_bombs()[name]
    with pytest.raises(InvalidRequest) as rejected:
        await shrink(pad(content))
    (violation,) = rejected.value.violations
    assert (violation.field, violation.reason) == ("image", reason)


@pytest.mark.slow
async def test_image_that_takes_too_long_is_rejected(shrink: Shrink, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a scan bomb passed the limits of its header, the limit of CPU time would end it."""
    code = (
        "from services.product import image_header, image_process\n"
        "image_header.MAX_SCANS = 10**6\n"
        "image_process.main()"
    )
    monkeypatch.setattr(images, "_COMMAND", (sys.executable, "-S", "-c", code))
    with pytest.raises(InvalidRequest, match="image: must be re-encoded within 5 s of CPU time"):
        await shrink(pad(repeat_last_scan(build_jpeg(7_000, 7_000, "L", progressive=True), 5_000)))


@pytest.mark.slow
async def test_honest_image_is_served_beside_bombs(shrink: Shrink) -> None:
    """Two that are as large as the limits allow: the honest one waits for the first of them."""
    heavy = pad(build_jpeg(6_600, 4_400, progressive=True, subsampling=0))
    results = await asyncio.gather(shrink(heavy), shrink(heavy), shrink(HONEST), return_exceptions=True)
    assert isinstance(results[2], bytes)


LARGEST = {
    "progressive JPEG in 4:4:4": lambda: save(
        Image.new("RGB", (6_697, 4_464), "red"), "JPEG", progressive=True, subsampling=0
    ),
    "progressive JPEG in 4:2:0": lambda: save(
        Image.new("RGB", (8_857, 5_904), "red"), "JPEG", progressive=True
    ),
    "progressive JPEG in CMYK": lambda: save(Image.new("CMYK", (5_950, 3_900)), "JPEG", progressive=True),
    "wide JPEG": lambda: save(Image.new("RGB", (30_000, 1_740), "red"), "JPEG"),
    "PNG": lambda: save(Image.new("RGB", (6_470, 6_470), "red"), "PNG"),
    "PNG with a transparent colour": lambda: save(
        Image.new("RGB", (6_470, 6_470)), "PNG", transparency=(0, 0, 0)
    ),
    "PNG with transparency": lambda: save(Image.new("RGBA", (5_110, 5_110), "red"), "PNG"),
    "grey PNG with transparency": lambda: save(Image.new("LA", (5_110, 5_110)), "PNG"),
    "palette": lambda: save(Image.new("P", (5_110, 5_110)), "PNG", transparency=0),
    "16-bit grey": lambda: save(Image.new("I;16", (6_470, 6_470)), "PNG"),
}
MEASURE = (
    "import resource, subprocess, sys\n"
    "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode\n"
    "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
"""Runs a command from a small process, because the maximum includes the memory of the one that starts it."""


def run_measured(command: tuple[str, ...], content: bytes) -> tuple[int, int]:
    """Return the exit code and the largest resident memory of an image process, in bytes."""
    measured = subprocess.run(  # noqa: S603 # a fixed command
        [sys.executable, "-S", "-c", MEASURE, *command, str(LIMIT)],
        input=content,
        stdout=subprocess.PIPE,
        env=images._ENVIRONMENT,
        check=True,
    )
    exit_code, peak_kib = map(int, measured.stdout.split())
    return exit_code, peak_kib * 1024


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGEST)
def test_largest_images_stay_below_the_memory_limit(name: str) -> None:
    """They need nearly all of MAX_DECODED_BYTES, padded to the largest image of a request."""
    content = pad(LARGEST[name](), 5 * MIB)
    facts = image_process.inspect_image(content)
    assert facts.decoded_bytes > 0.9 * 200 * MIB
    exit_code, peak_bytes = run_measured(images._COMMAND, content)
    assert exit_code == 0
    assert peak_bytes < image_process.MEMORY_LIMIT_BYTES - 32 * MIB


@pytest.mark.slow
def test_memory_is_limited_whatever_the_header_says() -> None:
    content = build_jpeg(12_240, 12_240, progressive=True, subsampling=0)
    code = (
        "from services.product import image_header, image_process\n"
        "image_header.MAX_DECODED_BYTES = 10**12\n"
        "image_process.main()"
    )
    exit_code, peak_bytes = run_measured((sys.executable, "-S", "-c", code), content)
    assert exit_code == image_header.REJECTED_EXIT_CODE
    assert peak_bytes < image_process.MEMORY_LIMIT_BYTES
