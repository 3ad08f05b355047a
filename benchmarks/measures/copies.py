"""How much memory an upload of a large picture takes, counted in pictures."""

from collections.abc import Collection

from benchmarks import replies
from benchmarks.calling import Caller
from benchmarks.cpu import forget_peak, peak_mib, resident_mib
from benchmarks.delaying import delaying
from benchmarks.measures.growth import AS_IT_IS
from benchmarks.pictures import MIB, picture
from benchmarks.processes import worker
from benchmarks.services import service, uploading
from benchmarks.taken import Series, Taken, alone

LARGE_MIB, SMALL_MIB = 5.0, 0.1
DELAY_S = 0.5
ROUNDS = 3


def copies(_rows: Collection[str]) -> dict[str, Taken]:
    """Measure one call at a time, each in a service that has seen none: memory is kept for the next."""
    large, small = picture(LARGE_MIB), picture(SMALL_MIB)
    size_mib = len(large) / MIB
    peaks = list[float]()
    with delaying(replies.uploaded(), DELAY_S) as url, worker("caller") as calling:
        caller = Caller(calling)
        for _ in range(ROUNDS):
            with service("product", url, AS_IT_IS) as product:
                caller.one(uploading(product, small))  # whatever is made at the first call is there
                before = resident_mib(product.pid)
                forget_peak(product.pid)
                caller.one(uploading(product, large))
                peaks.append((peak_mib(product.pid) - before) / size_mib)
    return {"copies": alone(Series(what="at most, in pictures", unit="x", values=tuple(peaks)))}
