"""Reads the headers of images, and has the limits of images that are decoded.

Nothing is decoded here. The image process imports this module for each image. So it must not import other
services, nor what is slow to import, such as dataclasses. The service imports it too, and not Pillow.
"""

import re
import struct
from typing import NamedTuple

MAX_SIDE = 1600
"""Images are shrunk to at most this width and height. A JPEG is decoded at the smallest scale of libjpeg, 1/1
to 1/8, that has such a side."""
MAX_DECODED_BYTES = 200 * 2**20
"""A progressive JPEG may have 52 megapixels in 4:2:0, or 30 in 4:4:4; a PNG 41, or 26 with transparency or a
palette. Other large JPEGs are decoded at a smaller scale, unless they are very wide or high."""
MAX_SCANS = 100
"""Of a JPEG. libjpeg walks over the whole image for each, however small the scan is. Encoders write ten."""
MAX_SEGMENTS = 10_000
"""Of a JPEG, or chunks of a PNG: Pillow handles each in Python."""
CPU_LIMIT_S = 5
"""Of the image process."""
REJECTED_EXIT_CODE = 3
"""Of the image process. Its stdout has the reason and the description of the violation, on two lines."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_BYTES_PER_PIXEL = {0: 5, 2: 5, 3: 8, 4: 8, 6: 8}
"""By colour type: Pillow's image and the copies that exist at the same time, measured, for all bit depths."""
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""A JPEG marker. Entropy-coded data has FF only before 00 and as restart markers, which are D0 to D7."""
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_WITHOUT_LENGTH = {0x01, 0xD8}


class ImageRejected(Exception):
    """The image is not readable, or beyond a limit. The message says what is required."""

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(description)
        self.reason = reason
        """The id of the rule in capitals."""


class ImageFacts(NamedTuple):
    """What the headers of an image say."""

    format: str
    """JPEG or PNG."""
    width: int
    height: int
    decoded_bytes: int
    """The memory that decoding and shrinking takes at most."""
    scans: int = 1

    def check(self) -> None:
        """Raise ImageRejected if the image is beyond a limit."""
        if self.decoded_bytes > MAX_DECODED_BYTES:
            raise ImageRejected(
                "IMAGE_PIXELS",
                f"must need at most {MAX_DECODED_BYTES >> 20} MiB when it is decoded: use fewer pixels, "
                "or a JPEG that is not progressive",
            )
        if self.scans > MAX_SCANS:
            raise ImageRejected("IMAGE_SCANS", f"must have at most {MAX_SCANS} scans")


def inspect_image(content: bytes) -> ImageFacts:
    """Return what the headers say, in time linear in the size.

    Raises ImageRejected, and nothing else, if they are not readable or too many.
    """
    try:
        if content.startswith(_PNG_SIGNATURE):
            return _inspect_png(content)
        if content.startswith(b"\xff\xd8"):
            return _inspect_jpeg(content)
    except (IndexError, struct.error):  # it ends within a header
        pass
    raise unreadable()


def unreadable() -> ImageRejected:
    """Return the error of an image that cannot be decoded."""
    return ImageRejected("IMAGE_KIND", "must be a readable JPEG or PNG image")


def _inspect_png(content: bytes) -> ImageFacts:
    length, kind, width, height, colour_type = struct.unpack_from(">I4sIIxB", content, 8)
    if kind != b"IHDR" or length != 13 or colour_type not in _PNG_BYTES_PER_PIXEL or not width or not height:
        raise unreadable()
    at = 8
    for _ in range(MAX_SEGMENTS):
        if at >= len(content) or content[at + 4 : at + 8] == b"IEND":
            break
        at += 12 + int.from_bytes(content[at : at + 4], "big")
    else:
        raise _too_many_segments()
    decoded_bytes = width * height * _PNG_BYTES_PER_PIXEL[colour_type]
    return ImageFacts(format="PNG", width=width, height=height, decoded_bytes=decoded_bytes)


class _Frame(NamedTuple):
    """The frame header of a JPEG."""

    width: int
    height: int
    is_progressive: bool
    sampling: list[tuple[int, int]]
    """Horizontal and vertical factor of each component."""


def _inspect_jpeg(content: bytes) -> ImageFacts:
    frame: _Frame | None = None
    scans = 0
    is_buffered = False
    """Whether libjpeg has to hold the coefficients of the whole image."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(content, at)
        if found is None or (marker := content[found.start() + 1]) == _END_OF_IMAGE:
            break
        at = found.end()
        if marker in _WITHOUT_LENGTH:
            continue
        (length,) = struct.unpack_from(">H", content, at)
        if marker in _FRAMES:
            if frame is not None:
                raise unreadable()
            frame = _read_frame(marker, content[at + 2 : at + length])
        elif marker == _START_OF_SCAN:
            if frame is None:
                raise unreadable()
            scans += 1
            is_buffered = is_buffered or frame.is_progressive or content[at + 2] < len(frame.sampling)
        at += max(length, 2)
    else:
        raise _too_many_segments()
    if frame is None or not scans:
        raise unreadable()
    return ImageFacts(
        format="JPEG",
        width=frame.width,
        height=frame.height,
        decoded_bytes=_count_pixel_bytes(frame) + (_count_coefficient_bytes(frame) if is_buffered else 0),
        scans=scans,
    )


def _read_frame(marker: int, header: bytes) -> _Frame:
    precision, height, width, components = struct.unpack_from(">BHHB", header)
    factors = header[7 : 6 + 3 * components : 3]
    sampling = [(factor >> 4, factor & 15) for factor in factors]
    if (
        marker not in (_BASELINE, _EXTENDED, _PROGRESSIVE)
        or precision != 8
        or not height
        or not width
        or components not in (1, 3, 4)
        or len(sampling) != components
        or not all(1 <= factor <= 4 for pair in sampling for factor in pair)
    ):
        raise unreadable()
    return _Frame(width=width, height=height, is_progressive=marker == _PROGRESSIVE, sampling=sampling)


def _count_pixel_bytes(frame: _Frame) -> int:
    """Return the size of the decoded image, which libjpeg has scaled down."""
    ratio = min(frame.width, frame.height) // MAX_SIDE
    scale = next(scale for scale in (8, 4, 2, 1) if ratio >= scale or scale == 1)
    return -(-frame.width // scale) * -(-frame.height // scale) * (1 if len(frame.sampling) == 1 else 4)


def _count_coefficient_bytes(frame: _Frame) -> int:
    """Return the size of libjpeg's arrays: 64 coefficients of 2 bytes per block."""
    across = max(horizontal for horizontal, _ in frame.sampling)
    down = max(vertical for _, vertical in frame.sampling)
    units = -(-frame.width // (8 * across)) * -(-frame.height // (8 * down))
    return units * 128 * sum(horizontal * vertical for horizontal, vertical in frame.sampling)


def _too_many_segments() -> ImageRejected:
    return ImageRejected("IMAGE_SEGMENTS", f"must have at most {MAX_SEGMENTS} segments or chunks")
