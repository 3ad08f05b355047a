"""Pictures of a given size: noise, of which each pixel takes as many bytes as the next."""

import io
import random

from PIL import Image

MIB = 2**20
_BYTES_PER_PIXEL = 1.45
"""Of noise as it is saved here, with room."""


def picture(mebibytes: float) -> bytes:
    """Return a JPEG of nearly so many MiB, and not more: 5 MiB are the most that is taken."""
    most = round(mebibytes * MIB)
    side = round((most / _BYTES_PER_PIXEL) ** 0.5)
    dice = random.Random(1688)  # noqa: S311 # a picture, no secret
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), dice.randbytes(3 * side * side)).save(out, "JPEG", quality=75)
    if not 0.9 * most < len(out.getvalue()) <= most:
        raise RuntimeError(f"a picture of {len(out.getvalue())} bytes where about {most} are wanted")
    return out.getvalue()
