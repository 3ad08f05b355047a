"""Images of a given size: noise, so that every pixel needs the same number of bytes."""

import io
import random

from PIL import Image

MIB = 2**20
_SAMPLE_SIDE = 256
"""Side in pixels of the image that shows how many bytes a pixel needs."""


def make_image(mebibytes: float) -> bytes:
    """Return a JPEG slightly smaller than the size: the service accepts at most 5 MiB."""
    max_bytes = round(mebibytes * MIB)
    bytes_per_pixel = len(_make_noise(_SAMPLE_SIDE)) / _SAMPLE_SIDE**2
    image = _make_noise(int((0.98 * max_bytes / bytes_per_pixel) ** 0.5))
    if not 0.9 * max_bytes < len(image) <= max_bytes:
        raise RuntimeError(f"the image has {len(image)} bytes, expected about {max_bytes}")
    return image


def _make_noise(side: int) -> bytes:
    seeded = random.Random(1688)  # noqa: S311 # noise, not a secret
    buffer = io.BytesIO()
    Image.frombytes("RGB", (side, side), seeded.randbytes(3 * side * side)).save(buffer, "JPEG", quality=75)
    return buffer.getvalue()
