"""Finds the offers whose pictures look most like a given one."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from services.sandbox.catalog.catalog import Catalogue
from services.sandbox.catalog.images import GALLERY, HEIGHT, WIDTH, draw
from services.sandbox.catalog.offers import Offer

MAX_BYTES = 512 * 1024
"""Larger pictures are not taken."""
MAX_PIXELS = 40_000_000
KEPT = 256
"""Uploaded pictures that are remembered; the oldest is forgotten first."""
_KEPT_SIDE = 96
_DRAWN_SIDE = 64
_LOOK_SIDE = 8

Region = tuple[int, int, int, int]
"""Left, right, top, bottom in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What is kept of a picture."""

    width: int
    height: int
    small: Image.Image
    """The same picture as a small square."""


class Uploads:
    """The uploaded pictures that are remembered. May be used from any thread."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[str, Upload] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def __len__(self) -> int:
        return len(self._pictures)

    def keep(self, content: bytes) -> str | None:
        """Remembers a picture file and returns its id, which follows from the bytes; None if unreadable."""
        picture = _read(content)
        if picture is None:
            return None
        digest = int.from_bytes(blake2b(content, digest_size=8).digest())
        image_id = str(10**18 + digest % (8 * 10**18))
        with self._one_at_a_time:
            self._pictures[image_id] = picture
            self._pictures.move_to_end(image_id)
            if len(self._pictures) > KEPT:
                self._pictures.popitem(last=False)
        return image_id

    def find(self, image_id: str) -> Upload | None:
        """The picture of this id."""
        return self._pictures.get(image_id)


class Looks:
    """What every offer looks like, found out on first use. May be used from any thread."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._looks: list[tuple[Offer, tuple[bytes, ...]]] = []
        self._once = threading.Lock()

    def rank(self, picture: Upload, region: Region | None = None) -> list[Offer]:
        """Every offer, the most alike first; with a region, alike to that part of the picture."""
        wanted = _look(_cropped(picture, region) if region else picture.small)
        ranked = sorted(
            (min(_difference(wanted, look) for look in looks), offer.offer_id, offer)
            for offer, looks in self._every_look()
        )
        return [offer for _, _, offer in ranked]

    def _every_look(self) -> list[tuple[Offer, tuple[bytes, ...]]]:
        with self._once:
            if not self._looks:
                self._looks = [(offer, _looks(offer)) for offer in self._catalogue.offers]
            return self._looks


def own_picture(offer: Offer, number: int) -> Upload | None:
    """An offer's own picture, as if it had been uploaded."""
    picture = draw(offer, number, _KEPT_SIDE)
    return Upload(width=WIDTH, height=HEIGHT, small=picture) if picture else None


def _read(content: bytes) -> Upload | None:
    if len(content) > MAX_BYTES:
        return None
    try:
        with Image.open(BytesIO(content)) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return None
            small = picture.convert("RGB").resize((_KEPT_SIDE, _KEPT_SIDE), Image.Resampling.BOX)
            return Upload(width=picture.width, height=picture.height, small=small)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        # Pillow's readers of broken files raise any of these.
        return None


def _looks(offer: Offer) -> tuple[bytes, ...]:
    """One look for each picture of the gallery."""
    pictures = (draw(offer, number, _DRAWN_SIDE) for number in GALLERY)
    return tuple(_look(picture) for picture in pictures if picture)


def _look(picture: Image.Image) -> bytes:
    """Red, green and blue of 8 x 8 fields: what survives scaling and compression."""
    return picture.resize((_LOOK_SIDE, _LOOK_SIDE), Image.Resampling.BOX).tobytes()


def _difference(one: bytes, other: bytes) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def _cropped(upload: Upload, region: Region) -> Image.Image:
    left, right, top, bottom = region
    across, down = _KEPT_SIDE / upload.width, _KEPT_SIDE / upload.height
    box = (left * across, top * down, right * across, bottom * down)
    return upload.small.resize((_KEPT_SIDE, _KEPT_SIDE), Image.Resampling.BILINEAR, box=box)
