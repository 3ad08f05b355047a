"""The image process: re-encodes one image, and ends. `python -m services.product.image_process MAX_BYTES`.

The image comes on stdin, the JPEG goes to stdout. The exit code says what stdout has. The process limits its
own memory and CPU time before it reads the image. It imports only Pillow: it starts fast and stays small.
"""

import os
import resource
import sys
from contextlib import suppress
from io import BytesIO

from PIL import Image, ImageOps, PngImagePlugin
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from services.product.image_header import (
    CPU_LIMIT_S,
    MAX_SIDE,
    REJECTED_EXIT_CODE,
    ImageRejected,
    inspect_image,
    unreadable,
)

MEMORY_LIMIT_BYTES = 320 * 2**20
"""The address space of a process: MAX_DECODED_BYTES, the interpreter, the image and its re-encoded form."""

_SIDES = (MAX_SIDE, 1200, 800, 600, 400, 200, 100)
_QUALITIES = (85, 70, 50, 30)
_OPENERS = {"JPEG": JpegImageFile, "PNG": PngImageFile}
# All texts of a PNG together, decompressed. Pillow's own limit is 64 MiB.
PngImagePlugin.MAX_TEXT_MEMORY = 8 * 2**20


def main() -> None:
    """Re-encode the image of stdin."""
    _limit_resources()
    max_bytes = int(sys.argv[1])
    try:
        output = reencode(sys.stdin.buffer.read(), max_bytes)
        exit_code = 0
    except ImageRejected as error:
        output = f"{error.reason}\n{error}".encode()
        exit_code = REJECTED_EXIT_CODE
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()
    os._exit(exit_code)  # at once: nothing is left to clean up


def reencode(content: bytes, max_bytes: int) -> bytes:
    """Return the image as a JPEG of at most `max_bytes`. Raises ImageRejected."""
    facts = inspect_image(content)
    facts.check()
    try:
        image = _decode(content, facts.format)
    except MemoryError:
        raise ImageRejected("IMAGE_PIXELS", "needs too much memory when it is decoded") from None
    except Exception as error:  # Pillow raises errors of any kind for damaged images
        raise unreadable() from error
    for side in _SIDES:
        image.thumbnail((side, side))
        for quality in _QUALITIES:
            out = BytesIO()
            image.save(out, "JPEG", quality=quality)
            if out.tell() <= max_bytes:
                return out.getvalue()
    raise ImageRejected("IMAGE_SIZE", f"cannot be re-encoded to {max_bytes} bytes")


def _decode(content: bytes, image_format: str) -> Image.Image:
    """Return the image upright, in RGB, with sides of at most MAX_SIDE pixels."""
    image: Image.Image = _OPENERS[image_format](BytesIO(content))
    image.draft("RGB", (MAX_SIDE, MAX_SIDE))
    image.load()
    image = _to_resizable_mode(image)
    image.thumbnail((MAX_SIDE, MAX_SIDE))  # shrunk first, since the next steps copy the image
    with suppress(Exception):  # damaged EXIF makes Pillow raise anything; the image itself is fine
        ImageOps.exif_transpose(image, in_place=True)
    return _flatten(image)


def _to_resizable_mode(image: Image.Image) -> Image.Image:
    """Convert to a mode whose pixels can be averaged, as resizing does: palette indexes cannot."""
    if image.mode in ("P", "LA", "PA"):
        return image.convert("RGBA")
    if image.mode.startswith("I"):  # 16-bit grey: a plain conversion would clip values above 255
        return image.point(lambda value: value / 256).convert("L")
    return image


def _flatten(image: Image.Image) -> Image.Image:
    """Put a transparent image on a white background, as shops show it."""
    if image.mode == "RGBA" or "transparency" in image.info:
        layer = image.convert("RGBA")
        background = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(background, layer).convert("RGB")
    return image.convert("RGB")


def _limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    # SIGXCPU ends it at the first limit. The second one must be higher, or the signal is SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
