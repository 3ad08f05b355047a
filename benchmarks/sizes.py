"""Rows that ask how the cost grows: with SKUs, offers, bytes of a picture; and what is held of a picture."""

import asyncio
import io
import random
import statistics
from collections.abc import Mapping, Sequence

from nationalsite.product.v1 import product_service_pb2 as product
from PIL import Image

from benchmarks import load, processes
from benchmarks.load import Load
from benchmarks.measuring import Spread, forget_most, memory_mib
from benchmarks.processes import Process
from benchmarks.replies import PAGES, SKUS
from benchmarks.result import Figure, Result
from benchmarks.searching import Peer, alone, search
from benchmarks.upstream import UPLOAD_MS

SERVICE = "nationalsite.product.v1.ProductService"
ROUNDS, IN_FLIGHT = 5, 8
CALLS = {20: 240, 200: 120, 2_000: 24}
"""By SKUs."""
PAGE_CALLS = 240
PICTURES_MB = (0.1, 1.0, 5.0)
PICTURE_CALLS = {0.1: 32, 1.0: 16, 5.0: 6}
AS_IT_IS = {"NATIONALSITE_IMAGE_MAX_BYTES": str(5 * 2**20)}
"""Pictures are sent as they come; by default the larger ones are made smaller first."""
NOISE = 1.25
"""What straight growth may be off by, as measured here."""


def details() -> list[Result]:
    """CPU of a product's details by its SKUs."""
    with processes.upstream() as upstream, processes.service("product", upstream.address) as suite:
        loads = {skus: _detail(suite, skus) for skus in SKUS}
        taken = _by_size(suite, loads, CALLS)
    return [
        _growth(
            "details", "detail with 20, 200, 2,000 SKUs: CPU of a SKU, of many against few", "SKUs", taken
        )
    ]


def pages() -> list[Result]:
    """CPU of a search by the offers of its page."""
    with processes.upstream() as upstream, processes.service("product", upstream.address) as suite:
        loads = {offers: search(suite, f"search-{offers}", offers) for offers in PAGES}
        taken = _by_size(suite, loads, dict.fromkeys(PAGES, PAGE_CALLS))
    return [
        _growth("pages", "search pages of 10 to 50: CPU of an offer, of many against few", "offers", taken)
    ]


def pictures() -> list[Result]:
    """CPU of uploading a picture by its size, and the memory that is held of it meanwhile."""
    with processes.upstream() as upstream, processes.service("product", upstream.address, AS_IT_IS) as suite:
        loads = {size: _upload(suite, size) for size in PICTURES_MB}
        taken = _by_size(suite, loads, PICTURE_CALLS, in_flight=1)
        # A process each: one that has seen a picture keeps some of its memory for the next.
        found = [_copies(upstream.address) for _ in range(3)]
    held, peak = (Spread.of(each) for each in zip(*found, strict=True))
    return [
        _growth("pictures", "picture of 0.1, 1, 5 MB: CPU of a byte, of many against few", "MB", taken),
        Result(
            row="copies",
            title="picture of 5 MB: memory held while 1688 is at work, in copies of it",
            figures={"held": Figure(unit="copies", spread=held), "peak": Figure(unit="copies", spread=peak)},
            found=held.median,
            wanted=4,
            unit="copies",
        ),
    ]  # fmt: skip


def _by_size(
    suite: Process, loads: Mapping[float, Load], calls: Mapping[float, int], in_flight: int = IN_FLIGHT
) -> dict[float, list[float]]:
    taken: dict[float, list[float]] = {size: [] for size in loads}
    for number in range(-1, ROUNDS):  # the first one warms up
        for size, what in loads.items():
            cpu_us = alone(Peer(process=suite, load=what), min(in_flight, calls[size]), calls[size])
            if number >= 0:
                taken[size].append(cpu_us)
    return taken


def _growth(row: str, title: str, of_what: str, taken: Mapping[float, Sequence[float]]) -> Result:
    """Compare what one more costs among many with what it costs among few."""
    spreads = {size: Spread.of(found) for size, found in taken.items()}
    few, middle, many = (list(spreads)[at] for at in (0, len(spreads) // 2, -1))
    least = {size: spread.least for size, spread in spreads.items()}  # what disturbs only ever adds
    late = (least[many] - least[middle]) / (many - middle)
    early = (least[middle] - least[few]) / (middle - few)
    return Result(
        row=row,
        title=title,
        figures={
            f"{size:g} {of_what}": Figure(unit="us of CPU", spread=found) for size, found in spreads.items()
        },
        found=late / early,
        wanted=NOISE,
        points={"suite": [(size, found.median) for size, found in spreads.items()]},
        axes=(of_what, "us of CPU a call"),
    )


def _detail(suite: Process, skus: int) -> Load:
    request = product.GetProductDetailRequest(offer_id=skus, language="en")

    def is_right(answer: bytes) -> bool:
        return len(product.GetProductDetailResponse.FromString(answer).product.product_sku_infos) == skus

    return Load(
        address=suite.address,
        rpc=f"{SERVICE}/GetProductDetail",
        request=request.SerializeToString(),
        check=is_right,
    )


def _upload(suite: Process, size_mb: float) -> Load:
    request = product.UploadImageRequest(image=picture(round(size_mb * 2**20)))
    return Load(address=suite.address, rpc=f"{SERVICE}/UploadImage", request=request.SerializeToString())


def picture(most: int) -> bytes:
    """Return a JPEG of nearly so many bytes."""
    side = round((most / 1.45) ** 0.5)  # noise takes so many bytes a pixel, as it is saved here
    dice = random.Random(1688)  # noqa: S311 # a picture, no secret
    made = Image.frombytes("RGB", (side, side), dice.randbytes(3 * side * side))
    out = io.BytesIO()
    made.save(out, "JPEG", quality=75)
    if len(out.getvalue()) > most:
        raise RuntimeError(f"the picture has {len(out.getvalue())} bytes, more than {most}")
    return out.getvalue()


def _copies(url: str) -> tuple[float, float]:
    """Return how many pictures' worth of memory a call holds while 1688 is at work, and at its peak."""
    with processes.service("product", url, AS_IT_IS) as suite:
        asyncio.run(load.run(_upload(suite, min(PICTURES_MB)), 1, 1))
        before, size_mb = memory_mib(suite.pid), max(PICTURES_MB)
        forget_most(suite.pid)

        async def watched() -> float:
            seen = []
            calling = asyncio.create_task(load.run(_upload(suite, size_mb), 1, 0))
            while not calling.done():
                seen.append(memory_mib(suite.pid))
                await asyncio.sleep(UPLOAD_MS / 1000 / 20)
            await calling
            # It waits for 1688 most of the time: what is seen then is what is held.
            return statistics.median(seen)

        held = asyncio.run(watched())
        return (held - before) / size_mb, (memory_mib(suite.pid, "VmHWM") - before) / size_mb
