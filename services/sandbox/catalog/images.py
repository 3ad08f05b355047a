"""Draws an offer's pictures.

A picture shows the product's outline, filled with a pattern, on a light ground. What is drawn follows
from the offer alone, so that different offers look different and the same offer always the same.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from math import cos, pi, radians, sin

from PIL import Image, ImageColor, ImageDraw, ImageOps

from services.sandbox.catalog import vocabulary
from services.sandbox.catalog.catalog import OFFERS_PER_KIND
from services.sandbox.catalog.offers import Offer
from services.sandbox.catalog.seeded_random import Dice

GALLERY = (1, 2)
"""The numbers of the pictures in an offer's gallery: the product, and the product from its other side."""
WHITE_GROUND = 3
TRANSLATED = 4
DESCRIPTION = (5, 6)
FIRST_COLOUR = 11
"""From here on: the offer in each of its colours."""

WIDTH = HEIGHT = 480
JPEG_QUALITY = 88

_Colour = tuple[int, int, int]
_Draw = ImageDraw.ImageDraw
_Points = Sequence[tuple[float, float]]


def _star(spikes: int, inner: float) -> _Points:
    turns = [pi * n / spikes - pi / 2 for n in range(2 * spikes)]
    radii = [0.48 if n % 2 == 0 else inner for n in range(2 * spikes)]
    return tuple((0.5 + r * cos(turn), 0.5 + r * sin(turn)) for turn, r in zip(turns, radii, strict=True))


# Outlines in a square of side 1; a kind of product has the outline of its place in the catalogue.
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


def draw(offer: Offer, number: int, side: int = WIDTH) -> Image.Image | None:
    """The picture of this number with this many pixels a side; None if the offer has no such picture."""
    if number in GALLERY:
        picture = _compose(offer, offer.colours[0], side)
        return ImageOps.mirror(picture) if number == GALLERY[1] else picture
    if number == WHITE_GROUND:
        return _compose(offer, offer.colours[0], side, ground=(255, 255, 255))
    if number == TRANSLATED or number in DESCRIPTION:
        return ImageOps.flip(_compose(offer, offer.colours[0], side))
    if 0 <= number - FIRST_COLOUR < len(offer.colours):
        return _compose(offer, offer.colours[number - FIRST_COLOUR], side)
    return None


def jpeg(offer: Offer, number: int) -> bytes | None:
    """The picture of this number as a JPEG file."""
    picture = draw(offer, number)
    if picture is None:
        return None
    file = BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _compose(offer: Offer, colour: int, side: int, ground: _Colour | None = None) -> Image.Image:
    dice = offer.dice
    light = _hsl(dice.number("ground", 0, 359), dice.number("tint", 15, 70), 88)
    picture = Image.new("RGB", (side, side), ground or light)
    cloth = Image.new("RGB", (side, side), vocabulary.COLOURS[colour][1])
    ink = _hsl(dice.number("ink", 0, 359), 75, dice.number("ink light", 30, 65))
    dice.pick("pattern", _PATTERNS)(ImageDraw.Draw(cloth), side, ink, dice)
    picture.paste(cloth, mask=_mask(offer, side))
    badge = side * dice.number("badge size", 6, 16) // 100
    x, y = (side * dice.number(f"badge {axis}", 12, 88) // 100 for axis in "xy")
    ImageDraw.Draw(picture).ellipse((x - badge, y - badge, x + badge, y + badge), fill=ink)
    return picture


def _hsl(hue: int, saturation: int, lightness: int) -> _Colour:
    """Hue in degrees, the others in percent."""
    red, green, blue = ImageColor.getrgb(f"hsl({hue}, {saturation}%, {lightness}%)")[:3]
    return red, green, blue


def _mask(offer: Offer, side: int) -> Image.Image:
    dice = offer.dice
    outline = _OUTLINES[offer.number // OFFERS_PER_KIND % len(_OUTLINES)]
    scale = dice.number("scale", 62, 95) / 100
    tilt = radians(dice.number("tilt", -24, 24))
    across, down = (dice.number(f"shift {axis}", -8, 8) / 100 for axis in "xy")
    points = [
        (
            side * (0.5 + across + scale * ((x - 0.5) * cos(tilt) - (y - 0.5) * sin(tilt))),
            side * (0.5 + down + scale * ((x - 0.5) * sin(tilt) + (y - 0.5) * cos(tilt))),
        )
        for x, y in outline
    ]
    mask = Image.new("L", (side, side), 0)
    ImageDraw.Draw(mask).polygon(points, fill=255)
    return mask


def _stripes(draw: _Draw, side: int, ink: _Colour, dice: Dice) -> None:
    pitch = side / dice.number("pitch", 3, 7)
    slant = side * dice.number("slant", -60, 60) / 100
    for n in range(-8, 16):
        draw.line((n * pitch, 0, n * pitch + slant, side), fill=ink, width=max(1, int(pitch * 0.4)))


def _bands(draw: _Draw, side: int, ink: _Colour, dice: Dice) -> None:
    pitch = side / dice.number("pitch", 3, 6)
    for n in range(7):
        draw.rectangle((0, n * pitch, side, (n + 0.45) * pitch), fill=ink)


def _dots(draw: _Draw, side: int, ink: _Colour, dice: Dice) -> None:
    pitch = side / dice.number("pitch", 4, 7)
    radius = pitch * dice.number("dot", 20, 42) / 100
    for n in range(8):
        for m in range(8):
            x, y = (n + 0.5 * (m % 2)) * pitch, m * pitch
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)


def _half(draw: _Draw, side: int, ink: _Colour, dice: Dice) -> None:
    cut = side * dice.number("cut", 30, 70) / 100
    draw.polygon(((0, cut), (side, side - cut), (side, side), (0, side)), fill=ink)


def _plain(draw: _Draw, side: int, ink: _Colour, dice: Dice) -> None:
    """No pattern at all."""


_PATTERNS: tuple[Callable[[_Draw, int, _Colour, Dice], None], ...] = (_stripes, _bands, _dots, _half, _plain)
