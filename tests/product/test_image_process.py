"""A large image becomes a small upright JPEG; other bytes are rejected."""

import random
import zlib
from io import BytesIO

import pytest
from PIL import Image

from services.product.image_header import ImageRejected
from services.product.image_process import reencode
from tests.support.image_bombs import build_png
from tests.support.image_bombs import save as saved

LIMIT = 20_000
RED, BLUE = (254, 0, 0), (0, 0, 254)
ROTATED_ORIENTATION = 6
"""EXIF orientation of a camera held upright: the image lies on its side."""


def noise(mode: str, size: tuple[int, int] = (400, 200)) -> Image.Image:
    """An image that compresses badly: blue on the left, red on the right, noise over it."""
    ground = Image.new("RGB", size, BLUE)
    ground.paste(RED, (size[0] // 2, 0, *size))
    grain = Image.frombytes("RGB", size, random.Random(1688).randbytes(3 * size[0] * size[1]))
    return Image.blend(ground, grain, 0.4).convert(mode)


def opened(image_bytes: bytes) -> Image.Image:
    image = Image.open(BytesIO(image_bytes))
    image.load()
    assert (image.format, image.mode) == ("JPEG", "RGB")
    return image


def exif() -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = ROTATED_ORIENTATION
    return found


@pytest.mark.parametrize("limit", [LIMIT, 10_000, 50_000])
@pytest.mark.parametrize(
    ("mode", "form", "options"),
    [
        ("RGB", "JPEG", {"quality": 100}),
        ("RGB", "JPEG", {"quality": 100, "progressive": True}),
        ("L", "JPEG", {"quality": 100}),
        ("CMYK", "JPEG", {"quality": 100}),
        ("RGB", "PNG", {}),
        ("RGBA", "PNG", {}),
        ("LA", "PNG", {}),
        ("P", "PNG", {}),
        ("L", "PNG", {}),
    ],
)
def test_large_image_is_shrunk(mode: str, form: str, options: dict, limit: int) -> None:
    image_bytes = saved(noise(mode), form, **options)
    assert len(image_bytes) > limit
    small = reencode(image_bytes, limit)
    assert len(small) <= limit
    image = opened(small)
    assert image.width / image.height == pytest.approx(2, abs=0.05)
    if mode not in ("L", "LA"):
        assert _colour(image, 0) == "blue"
        assert _colour(image, 1) == "red"


def _colour(image: Image.Image, half: int) -> str:
    middle = image.width // 2
    red, _, blue = (
        image.crop((half * middle, 0, (half + 1) * middle, image.height)).resize((1, 1)).getpixel((0, 0))
    )
    return "red" if red > blue + 40 else "blue" if blue > red + 40 else "neither"


def test_transparent_pixels_become_white() -> None:
    """Not black, and not the hidden colour."""
    image_bytes = noise("RGB").convert("RGBA")
    image_bytes.putalpha(0)
    image = opened(reencode(saved(image_bytes, "PNG"), LIMIT))
    assert image.getextrema() == ((255, 255),) * 3


def test_palette_with_a_transparent_colour() -> None:
    image_bytes = noise("P", (600, 400))
    image = opened(reencode(saved(image_bytes, "PNG", transparency=0), LIMIT))
    assert image.width / image.height == pytest.approx(1.5, abs=0.05)


def test_sixteen_bit_grey_keeps_its_shades() -> None:
    """Half of all shades are darker than the middle: they are scaled, not cut off."""
    image_bytes = Image.frombytes("I;16", (300, 200), random.Random(1).randbytes(2 * 300 * 200))
    image = opened(reencode(saved(image_bytes, "PNG"), LIMIT)).convert("L")
    mean = sum(shade * count for shade, count in enumerate(image.histogram())) / (image.width * image.height)
    assert mean == pytest.approx(127, abs=5)


@pytest.mark.parametrize(("mode", "form"), [("RGB", "JPEG"), ("RGBA", "PNG")])
def test_image_stays_upright(mode: str, form: str) -> None:
    """Re-encoding drops the EXIF orientation, so the image is rotated."""
    image_bytes = saved(noise(mode), form, exif=exif(), **({"quality": 100} if form == "JPEG" else {}))
    image = opened(reencode(image_bytes, LIMIT))
    assert image.getexif().get(0x0112) is None
    assert image.height / image.width == pytest.approx(2, abs=0.05)
    assert _colour(image.rotate(90, expand=True), 0) == "blue"


def test_damaged_exif_is_ignored() -> None:
    intact = saved(noise("RGB"), "JPEG", quality=100, exif=exif())
    at = intact.index(b"\x12\x01") if b"\x12\x01" in intact[:200] else intact.index(b"\x01\x12")
    for length in range(2, 12):
        damaged = intact[:at] + b"\xff" * length + intact[at + length :]
        assert opened(reencode(damaged, LIMIT))


def test_image_that_cannot_be_shrunk_enough() -> None:
    with pytest.raises(ImageRejected, match="cannot be re-encoded to 100 bytes"):
        reencode(saved(noise("RGB"), "PNG"), 100)


@pytest.mark.parametrize("side", [6_500, 10_000, 20_000, 65_535, 2**31 - 1])
def test_image_that_would_fill_the_memory(side: int) -> None:
    with pytest.raises(ImageRejected, match="must need at most 200 MiB") as rejected:
        reencode(build_png(side, side, (b"IDAT", zlib.compress(bytes(100_000)) + bytes(LIMIT))), LIMIT)
    assert rejected.value.reason == "IMAGE_PIXELS"


BROKEN = {
    "zeros": bytes(LIMIT + 1),
    "a JPEG's beginning": b"\xff\xd8\xff" + bytes(LIMIT),
    "a PNG's beginning": b"\x89PNG\r\n\x1a\n" + bytes(LIMIT),
    "a truncated JPEG": saved(noise("RGB"), "JPEG", quality=100)[:30_000],
    "a truncated PNG": saved(noise("RGB"), "PNG")[:100_000],
    "a PNG of other content": build_png(100, 100, (b"IDAT", bytes(LIMIT))),
    "a GIF": saved(noise("P", (600, 400)), "GIF"),
    "a TIFF under a JPEG's first bytes": b"\xff\xd8\xff" + saved(noise("RGB"), "TIFF"),
}


@pytest.mark.parametrize("image_bytes", BROKEN.values(), ids=BROKEN.keys())
def test_bytes_that_are_no_image(image_bytes: bytes) -> None:
    assert len(image_bytes) > LIMIT
    with pytest.raises(ImageRejected, match="must be a readable JPEG or PNG image") as rejected:
        reencode(image_bytes, LIMIT)
    assert rejected.value.reason == "IMAGE_KIND"


def test_damaged_image_is_rejected_or_decoded() -> None:
    rng = random.Random(7)
    for whole in (saved(noise("RGB"), "JPEG", quality=100), saved(noise("RGBA", (200, 100)), "PNG")):
        for _ in range(25):
            damaged = bytearray(whole)
            for _ in range(5):
                damaged[rng.randrange(8, 2_000)] = rng.randrange(256)
            try:
                small = reencode(bytes(damaged), LIMIT)
            except ImageRejected:
                continue
            assert len(small) <= LIMIT


def test_jpeg_of_several_images_is_its_first_one() -> None:
    """Phones write JPEGs with a second image behind the first one (MPO)."""
    image_bytes = saved(noise("RGB"), "MPO", save_all=True, append_images=[Image.new("RGB", (80, 80))])
    image = opened(reencode(image_bytes, LIMIT))
    assert image.width / image.height == pytest.approx(2, abs=0.05)
    assert _colour(image, 0) == "blue"
