"""Headers say how large a decoded image is; any bytes give facts or the one error."""

import os
import struct
import time
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from services.product.image_header import MAX_DECODED_BYTES, ImageRejected, inspect_image
from tests.support.image_bombs import (
    PNG_SIGNATURE,
    build_bombs,
    build_jpeg,
    build_png,
    repeat_last_scan,
    save,
)

SETTINGS = settings(max_examples=int(os.environ.get("EXAMPLES", "6")) * 10, deadline=None)
MIB = 2**20
MAX_IMAGE_BYTES = 5 * MIB


@pytest.mark.parametrize(
    ("content", "width", "height", "scans", "decoded_bytes"),
    [
        # 96 x 80 blocks of 64 coefficients of 2 bytes, in three components; 4 bytes per pixel.
        (build_jpeg(768, 640, progressive=True, subsampling=0), 768, 640, 10, 96 * 80 * 384 + 768 * 640 * 4),
        # In 4:2:0 two components have a quarter.
        (build_jpeg(768, 640, progressive=True, subsampling=2), 768, 640, 10, 96 * 80 * 192 + 768 * 640 * 4),
        (build_jpeg(768, 640, "L", progressive=True), 768, 640, 6, 96 * 80 * 128 + 768 * 640),
        (build_jpeg(768, 640), 768, 640, 1, 768 * 640 * 4),
        (build_jpeg(768, 640, "CMYK"), 768, 640, 1, 768 * 640 * 4),
        # Decoded at the scale 1/8.
        (build_jpeg(12_800, 12_801), 12_800, 12_801, 1, 1600 * 1601 * 4),
        (build_jpeg(12_800, 3_199), 12_800, 3_199, 1, 12_800 * 3_199 * 4),
        (build_png(100, 50), 100, 50, 1, 100 * 50 * 5),
        (build_png(100, 50, colour_type=6, flags=1), 100, 50, 1, 100 * 50 * 8),
    ],
)
def test_headers_are_read(content: bytes, width: int, height: int, scans: int, decoded_bytes: int) -> None:
    facts = inspect_image(content)
    assert (facts.width, facts.height, facts.scans) == (width, height, scans)
    assert facts.decoded_bytes == decoded_bytes


def test_scans_are_counted() -> None:
    jpeg = save(Image.radial_gradient("L"), "JPEG", progressive=True, restart_marker_blocks=3)
    assert inspect_image(repeat_last_scan(jpeg, 500)).scans == 506


def test_jpeg_of_separate_scans_is_buffered() -> None:
    """A baseline JPEG can have a scan per component. libjpeg then holds all coefficients too."""
    jpeg = bytearray(build_jpeg(768, 640))
    at = jpeg.index(b"\xff\xda")
    jpeg[at : at + 14] = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    assert inspect_image(bytes(jpeg)).decoded_bytes > 96 * 80 * 128 + 768 * 640 * 4


@pytest.mark.parametrize("name", build_bombs())
def test_bombs_are_rejected_by_their_headers(name: str) -> None:
    """Except for what a PNG has compressed, which Pillow limits."""
    content, reason = build_bombs()[name]
    if "texts" in name or "profile" in name:
        inspect_image(content).check()
        return
    with pytest.raises(ImageRejected) as rejected:
        inspect_image(content).check()
    assert rejected.value.reason == reason


@pytest.mark.parametrize(
    ("width", "height", "options"),
    [
        (6_048, 4_032, {"progressive": True, "subsampling": 0}),  # a camera of 24 megapixels
        (8_064, 6_048, {"progressive": True}),  # a phone of 48
        (16_320, 12_240, {}),  # a phone of 200
    ],
)
def test_photographs_are_within_the_limits(width: int, height: int, options: dict) -> None:
    inspect_image(build_jpeg(width, height, **options)).check()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        PNG_SIGNATURE,
        build_png(0, 5),
        build_png(5, 5, colour_type=5),
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        build_jpeg(0, 5),
        build_jpeg(5, 0),
        build_jpeg(64, 64).replace(b"\xff\xc0", b"\xff\xc3"),  # lossless
        build_jpeg(64, 64).replace(b"\xff\xc0", b"\xff\xc9"),  # arithmetic coding
        build_jpeg(64, 64).replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"),  # 12 bits
        build_jpeg(64, 64).replace(
            b"\xff\xda", b"\xff\xc0\x00\x11\x08\0@\0@\x03\x01\x11\0\x02\x11\0\x03\x11\0\xff\xda"
        ),
    ],
)
def test_what_is_not_decoded(content: bytes) -> None:
    with pytest.raises(ImageRejected, match="must be a readable JPEG or PNG image"):
        inspect_image(content)


JPEG_SEGMENTS = st.builds(
    lambda marker, data, entropy: bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data + entropy,
    st.sampled_from([0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xFE]) | st.integers(1, 255),
    st.builds(
        lambda components, rest: b"\x08\0\x09\0\x09" + bytes([components]) + rest,
        st.integers(0, 5),
        st.binary(),
    )
    | st.binary(max_size=40),
    st.binary(max_size=20),
)
PNG_CHUNKS = st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.binary(max_size=20)), max_size=5)
IMAGES = (
    st.binary()
    | st.builds(lambda data: b"\xff\xd8" + data, st.binary())
    | st.builds(
        lambda parts, end: b"\xff\xd8" + b"".join(parts) + end, st.lists(JPEG_SEGMENTS), st.binary(max_size=9)
    )
    | st.builds(lambda data: PNG_SIGNATURE + data, st.binary())
    | st.builds(
        lambda width, height, colour_type, chunks, length: build_png(
            width, height, *chunks, colour_type=colour_type
        )[:length],
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**32 - 1),
        st.integers(0, 255),
        PNG_CHUNKS,
        st.integers(0, 120),
    )
)


@SETTINGS
@given(IMAGES)
@example(build_jpeg(64, 64)[:-1])
def test_any_bytes_give_facts_or_the_error(content: bytes) -> None:
    with suppress(ImageRejected):
        facts = inspect_image(content)
        assert facts.width > 0
        assert facts.height > 0
        assert facts.scans > 0
        assert facts.decoded_bytes > 0
        facts.check()
        assert facts.decoded_bytes <= MAX_DECODED_BYTES


@SETTINGS
@given(st.data())
def test_damaged_images_give_facts_or_the_error(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([build_jpeg(64, 64, progressive=True), build_png(9, 9)])))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=20)):
        content[at] = data.draw(st.integers(0, 255))
    with suppress(ImageRejected):
        inspect_image(bytes(content)).check()


@pytest.mark.parametrize(
    "repeated",
    [b"\xff", b"\xff\x00", b"\xff\xd0", b"\xff\x01", b"\xff\xd8", b"\xff\xfe\0\2", b"\xff\xda\0\0", b"\0"],
)
@pytest.mark.parametrize(
    "start", [b"\xff\xd8", build_jpeg(64, 64)[:-2], PNG_SIGNATURE, build_png(9, 9)[:-12]]
)
def test_time_is_bounded(start: bytes, repeated: bytes) -> None:
    """The largest image that a request may hold takes well below a second of CPU time."""
    content = start + repeated * ((MAX_IMAGE_BYTES - len(start)) // len(repeated))
    began = time.process_time()
    with suppress(ImageRejected):
        inspect_image(content)
    assert time.process_time() - began < 1
