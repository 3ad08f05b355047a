"""Images that are small and need much memory or time to be decoded."""

import struct
import zlib
from functools import cache
from io import BytesIO
from typing import Any

from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGER_THAN_SENT = 310_000
"""A service with default settings re-encodes images of this size."""


def save(image: Image.Image, image_format: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, image_format, **options)
    return out.getvalue()


def pad(content: bytes, size: int = LARGER_THAN_SENT) -> bytes:
    """Bytes after the end of an image are ignored."""
    return content.ljust(size, b"\0")


def build_png(
    width: int, height: int, *chunks: tuple[bytes, bytes], colour_type: int = 2, flags: int = 0
) -> bytes:
    """Return a PNG of eight bits with these chunks. `flags` 1: interlaced."""
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, flags)
    return PNG_SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), *chunks, (b"IEND", b""))
    )


def build_jpeg(width: int, height: int, mode: str = "RGB", **options: Any) -> bytes:
    """Return a JPEG whose header has this size. It has the pixels of a small one: decoders fill the rest."""
    small = bytearray(save(Image.new(mode, (64, 64), "orange"), "JPEG", **options))
    at = next(at for marker in (b"\xff\xc0", b"\xff\xc2") if (at := small.find(marker)) > 0)
    struct.pack_into(">HH", small, at + 5, height, width)
    return bytes(small)


def repeat_last_scan(jpeg: bytes, times: int) -> bytes:
    """Return a progressive JPEG whose last scan is repeated."""
    last = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + last * times + jpeg[-2:]


@cache
def build_bombs() -> dict[str, tuple[bytes, str]]:
    """Return images by name, each with the reason of its violation."""
    row = zlib.compress(bytes(3_000_000))
    text = zlib.compress(bytes(2**20))
    progressive = {"progressive": True, "subsampling": 0}
    return {
        "progressive JPEG in 4:4:4": (build_jpeg(12_240, 12_240, **progressive), "IMAGE_PIXELS"),
        "progressive JPEG in 4:2:0": (build_jpeg(12_240, 12_240, progressive=True), "IMAGE_PIXELS"),
        "wide JPEG": (build_jpeg(65_000, 2_300), "IMAGE_PIXELS"),
        "wide JPEG in CMYK": (build_jpeg(65_000, 2_300, "CMYK"), "IMAGE_PIXELS"),
        "JPEG of 3,407 scans": (
            repeat_last_scan(build_jpeg(5_000, 5_000, **progressive), 3_400),
            "IMAGE_SCANS",
        ),
        "JPEG of a million segments": (b"\xff\xd8" + b"\xff\xfe\x00\x02" * 10**6, "IMAGE_SEGMENTS"),
        "PNG of 100 megapixels": (build_png(10_000, 10_000, (b"IDAT", row)), "IMAGE_PIXELS"),
        "interlaced PNG": (build_png(2**31 - 1, 2**31 - 1, (b"IDAT", row), flags=1), "IMAGE_PIXELS"),
        "PNG of 400,000 chunks": (build_png(9, 9, *[(b"IDAT", b"")] * 400_000), "IMAGE_SEGMENTS"),
        "PNG with texts of 100 MiB": (
            build_png(9, 9, *[(b"zTXt", b"x\0\0" + text)] * 100, (b"IDAT", row)),
            "IMAGE_KIND",
        ),
        "PNG with a colour profile of 20 MiB": (
            build_png(9, 9, (b"iCCP", b"x\0\0" + zlib.compress(bytes(20 * 2**20), 1)), (b"IDAT", row)),
            "IMAGE_KIND",
        ),
        "animated WebP": (
            save(
                Image.new("RGB", (64, 64)),
                "WEBP",
                save_all=True,
                append_images=[Image.new("RGB", (64, 64), "red")],
            ),
            "IMAGE_KIND",
        ),
        "GIF": (save(Image.new("P", (64, 64)), "GIF"), "IMAGE_KIND"),
    }
