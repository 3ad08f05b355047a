"""Makes pictures small enough for 1688."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO

from PIL import Image, ImageOps

from services.errors import InvalidRequest, Violation

MAX_PIXELS = {"JPEG": 150_000_000, "PNG": 25_000_000}
"""What claims to hold more would fill the memory when unpacked. A JPEG is read at a fraction of its size."""
_SIDES = (1600, 1200, 800, 600, 400, 200, 100)
_QUALITIES = (85, 70, 50, 30)
# Unpacked pictures are large: no more than two at a time, and nobody else's work waits behind them.
_workers = ThreadPoolExecutor(2, thread_name_prefix="pictures")
# Pillow would warn on stderr; MAX_PIXELS is checked before anything is unpacked.
Image.MAX_IMAGE_PIXELS = None


async def shrink_to_fit(picture: bytes, max_bytes: int, field: str) -> bytes:
    """Return the picture as it is, or re-encoded as a JPEG of at most `max_bytes`.

    Raises InvalidRequest, naming `field`, where it is no readable picture or cannot be made so small.
    """
    if len(picture) <= max_bytes:
        return picture
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_workers, _shrunk, picture, max_bytes, field)


def _shrunk(picture: bytes, max_bytes: int, field: str) -> bytes:
    flat = _opened(picture, field)
    for side in _SIDES:
        flat.thumbnail((side, side))
        for quality in _QUALITIES:
            out = BytesIO()
            flat.save(out, "JPEG", quality=quality)
            if out.tell() <= max_bytes:
                return out.getvalue()
    raise _unfit(field, f"cannot be re-encoded to {max_bytes} bytes")


def _opened(picture: bytes, field: str) -> Image.Image:
    """Return the picture upright, in RGB, roughly of the largest side."""
    try:
        with Image.open(BytesIO(picture), formats=("JPEG", "PNG")) as opened:
            image: Image.Image = opened
            most = MAX_PIXELS[opened.format or "PNG"]
            if image.width * image.height > most:
                raise _unfit(field, f"must have at most {most} pixels")
            image.draft("RGB", (_SIDES[0], _SIDES[0]))
            image.load()
            image = _shrinkable(image)
            image.thumbnail((_SIDES[0], _SIDES[0]))  # before anything else makes copies of it
            with suppress(Exception):  # torn EXIF makes Pillow raise anything, and spoils no picture
                ImageOps.exif_transpose(image, in_place=True)
            return _flattened(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise _unfit(field, "must be a readable JPEG or PNG picture") from error


def _shrinkable(image: Image.Image) -> Image.Image:
    """Return the picture in a mode whose pixels can be averaged."""
    if image.mode in ("P", "LA", "PA"):
        return image.convert("RGBA")
    if image.mode.startswith("I"):  # 16 bits of grey, of which a conversion would cut off all above 255
        return image.convert("I").point(lambda value: value / 256).convert("L")
    return image


def _flattened(image: Image.Image) -> Image.Image:
    """Return the picture without transparency, on white, as shops show it."""
    if image.mode == "RGBA" or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")


def _unfit(field: str, description: str) -> InvalidRequest:
    return InvalidRequest([Violation(field=field, description=description)])
