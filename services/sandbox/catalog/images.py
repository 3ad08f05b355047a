"""Draws the images of an offer.

An image shows the outline of the product, filled with a pattern, on a light background. It depends on the
offer alone: different offers look different, and the same offer always looks the same.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from math import cos, pi, radians, sin

from PIL import Image, ImageColor, ImageDraw, ImageOps

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.offers import OFFERS_PER_CATEGORY, Offer
from services.sandbox.catalog.seeded_random import SeededRandom

GALLERY = (1, 2)
"""The numbers of the images in the gallery: the product, and its mirror image."""
WHITE_BACKGROUND = 3
TRANSLATED = 4
DESCRIPTION = (5, 6)
FIRST_COLOUR = 11
"""The number of the first colour image. There is one image for each colour of the offer."""

WIDTH = HEIGHT = 480
JPEG_QUALITY = 88

_Colour = tuple[int, int, int]
_Draw = ImageDraw.ImageDraw
_Points = Sequence[tuple[float, float]]


def _star(spikes: int, inner: float) -> _Points:
    angles = [pi * n / spikes - pi / 2 for n in range(2 * spikes)]
    radii = [0.48 if n % 2 == 0 else inner for n in range(2 * spikes)]
    return tuple((0.5 + r * cos(angle), 0.5 + r * sin(angle)) for angle, r in zip(angles, radii, strict=True))


# Outlines in a square of side 1. All offers of a third-level category have the same outline.
_OUTLINES: tuple[_Points, ...] = (
    ((0.38, 0.05), (0.62, 0.05), (0.66, 0.4), (0.92, 0.95), (0.08, 0.95), (0.34, 0.4)),
    ((0.3, 0.1), (0.7, 0.1), (0.95, 0.9), (0.05, 0.9)),
    (
        (0.32, 0.1),
        (0.68, 0.1),
        (0.97, 0.35),
        (0.84, 0.5),
        (0.74, 0.4),
        (0.74, 0.92),
        (0.26, 0.92),
        (0.26, 0.4),
        (0.16, 0.5),
        (0.03, 0.35),
    ),
    _star(24, 0.46),
    _star(5, 0.2),
    (
        (0.4, 0.04),
        (0.6, 0.04),
        (0.6, 0.26),
        (0.74, 0.4),
        (0.74, 0.96),
        (0.26, 0.96),
        (0.26, 0.4),
        (0.4, 0.26),
    ),
    ((0.1, 0.3), (0.9, 0.3), (0.9, 0.85), (0.1, 0.85)),
    ((0.5, 0.03), (0.97, 0.5), (0.5, 0.97), (0.03, 0.5)),
    ((0.25, 0.08), (0.75, 0.08), (0.98, 0.5), (0.75, 0.92), (0.25, 0.92), (0.02, 0.5)),
    (
        (0.5, 0.95),
        (0.06, 0.42),
        (0.16, 0.14),
        (0.36, 0.1),
        (0.5, 0.28),
        (0.64, 0.1),
        (0.84, 0.14),
        (0.94, 0.42),
    ),
    ((0.1, 0.1), (0.4, 0.1), (0.4, 0.6), (0.9, 0.6), (0.9, 0.9), (0.1, 0.9)),
    _star(8, 0.32),
)


def draw_image(offer: Offer, number: int, side: int = WIDTH) -> Image.Image | None:
    """Return the image with this number, `side` pixels wide and high; None if the offer has no such image."""
    if number in GALLERY:
        image = _compose(offer, offer.colours[0], side)
        return ImageOps.mirror(image) if number == GALLERY[1] else image
    if number == WHITE_BACKGROUND:
        return _compose(offer, offer.colours[0], side, background=(255, 255, 255))
    if number == TRANSLATED or number in DESCRIPTION:
        return ImageOps.flip(_compose(offer, offer.colours[0], side))
    if 0 <= number - FIRST_COLOUR < len(offer.colours):
        return _compose(offer, offer.colours[number - FIRST_COLOUR], side)
    return None


def draw_jpeg(offer: Offer, number: int) -> bytes | None:
    """Return the image with this number as a JPEG file; None if the offer has no such image."""
    image = draw_image(offer, number)
    if image is None:
        return None
    file = BytesIO()
    image.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _compose(offer: Offer, colour: int, side: int, background: _Colour | None = None) -> Image.Image:
    rng = offer.rng
    light = _hsl(rng.randint("ground", 0, 359), rng.randint("tint", 15, 70), 88)
    image = Image.new("RGB", (side, side), background or light)
    texture = Image.new("RGB", (side, side), vocabulary.COLOURS[colour][1])
    ink = _hsl(rng.randint("ink", 0, 359), 75, rng.randint("ink light", 30, 65))
    rng.choice("pattern", _PATTERNS)(ImageDraw.Draw(texture), side, ink, rng)
    image.paste(texture, mask=_draw_mask(offer, side))
    badge = side * rng.randint("badge size", 6, 16) // 100
    x, y = (side * rng.randint(f"badge {axis}", 12, 88) // 100 for axis in "xy")
    ImageDraw.Draw(image).ellipse((x - badge, y - badge, x + badge, y + badge), fill=ink)
    return image


def _hsl(hue: int, saturation: int, lightness: int) -> _Colour:
    """Return a colour. The hue is in degrees, saturation and lightness are in percent."""
    red, green, blue = ImageColor.getrgb(f"hsl({hue}, {saturation}%, {lightness}%)")[:3]
    return red, green, blue


def _draw_mask(offer: Offer, side: int) -> Image.Image:
    rng = offer.rng
    outline = _OUTLINES[offer.number // OFFERS_PER_CATEGORY % len(_OUTLINES)]
    scale = rng.randint("scale", 62, 95) / 100
    tilt = radians(rng.randint("tilt", -24, 24))
    shift_x, shift_y = (rng.randint(f"shift {axis}", -8, 8) / 100 for axis in "xy")
    points = [
        (
            side * (0.5 + shift_x + scale * ((x - 0.5) * cos(tilt) - (y - 0.5) * sin(tilt))),
            side * (0.5 + shift_y + scale * ((x - 0.5) * sin(tilt) + (y - 0.5) * cos(tilt))),
        )
        for x, y in outline
    ]
    mask = Image.new("L", (side, side), 0)
    ImageDraw.Draw(mask).polygon(points, fill=255)
    return mask


def _draw_stripes(draw: _Draw, side: int, ink: _Colour, rng: SeededRandom) -> None:
    pitch = side / rng.randint("pitch", 3, 7)
    slant = side * rng.randint("slant", -60, 60) / 100
    for n in range(-8, 16):
        draw.line((n * pitch, 0, n * pitch + slant, side), fill=ink, width=max(1, int(pitch * 0.4)))


def _draw_bands(draw: _Draw, side: int, ink: _Colour, rng: SeededRandom) -> None:
    pitch = side / rng.randint("pitch", 3, 6)
    for n in range(7):
        draw.rectangle((0, n * pitch, side, (n + 0.45) * pitch), fill=ink)


def _draw_dots(draw: _Draw, side: int, ink: _Colour, rng: SeededRandom) -> None:
    pitch = side / rng.randint("pitch", 4, 7)
    radius = pitch * rng.randint("dot", 20, 42) / 100
    for n in range(8):
        for m in range(8):
            x, y = (n + 0.5 * (m % 2)) * pitch, m * pitch
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)


def _draw_half(draw: _Draw, side: int, ink: _Colour, rng: SeededRandom) -> None:
    cut = side * rng.randint("cut", 30, 70) / 100
    draw.polygon(((0, cut), (side, side - cut), (side, side), (0, side)), fill=ink)


def _draw_nothing(draw: _Draw, side: int, ink: _Colour, rng: SeededRandom) -> None:
    """Draw no pattern."""


_PATTERNS: tuple[Callable[[_Draw, int, _Colour, SeededRandom], None], ...] = (
    _draw_stripes,
    _draw_bands,
    _draw_dots,
    _draw_half,
    _draw_nothing,
)
