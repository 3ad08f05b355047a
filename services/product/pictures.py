"""Makes pictures small enough for 1688."""

import asyncio
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from services.errors import InvalidRequest, Violation

MAX_PIXELS = 50_000_000
"""More than cameras take; what claims to hold more would fill the memory when unpacked."""
_SIDES = (1600, 1200, 800, 600, 400, 200, 100)
_QUALITIES = (85, 70, 50, 30)


async def fitted(picture: bytes, max_bytes: int, field: str) -> bytes:
    """Return the picture as it is, or re-encoded as a JPEG of at most `max_bytes`.

    Raises InvalidRequest, naming `field`, where it is no readable picture or cannot be made so small.
    """
    if len(picture) <= max_bytes:
        return picture
    # In a thread: decoding a photograph takes longer than other calls should wait.
    return await asyncio.to_thread(_shrunk, picture, max_bytes, field)


def _shrunk(picture: bytes, max_bytes: int, field: str) -> bytes:
    try:
        with Image.open(BytesIO(picture), formats=("JPEG", "PNG")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _unfit(field, f"must have at most {MAX_PIXELS} pixels")
            image.draft("RGB", (_SIDES[0], _SIDES[0]))
            flat = _flattened(image)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unfit(field, "must be a readable JPEG or PNG picture") from error
    for side in _SIDES:
        flat.thumbnail((side, side))
        for quality in _QUALITIES:
            out = BytesIO()
            flat.save(out, "JPEG", quality=quality)
            if out.tell() <= max_bytes:
                return out.getvalue()
    raise _unfit(field, f"cannot be re-encoded to {max_bytes} bytes")


def _flattened(image: Image.Image) -> Image.Image:
    """Return the picture without transparency, on white, as shops show it."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")


def _unfit(field: str, description: str) -> InvalidRequest:
    return InvalidRequest([Violation(field=field, description=description)])
