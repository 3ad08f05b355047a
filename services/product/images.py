"""Resizes images to what 1688 accepts."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO

from PIL import Image, ImageOps

from services.errors import InvalidRequest, Violation

MAX_PIXELS = {"JPEG": 150_000_000, "PNG": 25_000_000}
"""Larger images would fill the memory when decoded. A JPEG can be decoded at a fraction of its size."""
_SIDES = (1600, 1200, 800, 600, 400, 200, 100)
_QUALITIES = (85, 70, 50, 30)
# Decoded images are large: at most two at a time, in threads of their own so that no other work waits.
_workers = ThreadPoolExecutor(2, thread_name_prefix="images")
# Pillow would warn on stderr; MAX_PIXELS is checked before an image is decoded.
Image.MAX_IMAGE_PIXELS = None


async def shrink_to_fit(content: bytes, max_bytes: int, field: str) -> bytes:
    """Return the image unchanged, or re-encoded as a JPEG of at most `max_bytes`.

    Raises InvalidRequest for `field` if it is not a readable image or cannot be made that small.
    """
    if len(content) <= max_bytes:
        return content
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_workers, _reencode, content, max_bytes, field)


def _reencode(content: bytes, max_bytes: int, field: str) -> bytes:
    image = _decode(content, field)
    for side in _SIDES:
        image.thumbnail((side, side))
        for quality in _QUALITIES:
            out = BytesIO()
            image.save(out, "JPEG", quality=quality)
            if out.tell() <= max_bytes:
                return out.getvalue()
    raise _invalid_image(field, f"cannot be re-encoded to {max_bytes} bytes")


def _decode(content: bytes, field: str) -> Image.Image:
    """Return the image upright, in RGB, with sides of at most `_SIDES[0]` pixels."""
    try:
        with Image.open(BytesIO(content), formats=("JPEG", "PNG")) as opened:
            image: Image.Image = opened
            max_pixels = MAX_PIXELS[opened.format or "PNG"]
            if image.width * image.height > max_pixels:
                raise _invalid_image(field, f"must have at most {max_pixels} pixels")
            image.draft("RGB", (_SIDES[0], _SIDES[0]))
            image.load()
            image = _to_averageable_mode(image)
            image.thumbnail((_SIDES[0], _SIDES[0]))  # first, since later steps copy the image
            with suppress(Exception):  # damaged EXIF makes Pillow raise anything; the image itself is fine
                ImageOps.exif_transpose(image, in_place=True)
            return _flatten(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise _invalid_image(field, "must be a readable JPEG or PNG image") from error


def _to_averageable_mode(image: Image.Image) -> Image.Image:
    """Convert to a mode whose pixels can be averaged."""
    if image.mode in ("P", "LA", "PA"):
        return image.convert("RGBA")
    if image.mode.startswith("I"):  # 16-bit grey: a plain conversion would clip values above 255
        return image.convert("I").point(lambda value: value / 256).convert("L")
    return image


def _flatten(image: Image.Image) -> Image.Image:
    """Put a transparent image on white, as shops show it."""
    if image.mode == "RGBA" or "transparency" in image.info:
        layer = image.convert("RGBA")
        background = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(background, layer).convert("RGB")
    return image.convert("RGB")


def _invalid_image(field: str, description: str) -> InvalidRequest:
    return InvalidRequest([Violation(field=field, description=description)])
