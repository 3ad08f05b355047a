"""Pictures of a given size: noise, of which each pixel takes as many bytes as the next."""

import io
import random

from PIL import Image

MIB = 2**20
_TRIED = 256
"""Side of the picture that tells how many bytes a pixel takes."""


def picture(mebibytes: float) -> bytes:
    """Return a JPEG of nearly so many MiB, and not more: 5 MiB are the most that is taken."""
    most = round(mebibytes * MIB)
    bytes_per_pixel = len(_noise(_TRIED)) / _TRIED**2
    made = _noise(int((0.98 * most / bytes_per_pixel) ** 0.5))
    if not 0.9 * most < len(made) <= most:
        raise RuntimeError(f"a picture of {len(made)} bytes where about {most} are wanted")
    return made


def _noise(side: int) -> bytes:
    dice = random.Random(1688)  # noqa: S311 # a picture, no secret
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), dice.randbytes(3 * side * side)).save(out, "JPEG", quality=75)
    return out.getvalue()
