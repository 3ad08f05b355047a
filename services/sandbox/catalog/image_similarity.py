"""Finds the offers whose images are most similar to a given image."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from services.sandbox.catalog.catalog import Catalog
from services.sandbox.catalog.images import GALLERY, HEIGHT, WIDTH, draw_image
from services.sandbox.catalog.offers import Offer

MAX_IMAGE_BYTES = 512 * 1024
MAX_IMAGE_PIXELS = 40_000_000
MAX_UPLOADED_IMAGES = 256
"""The oldest is dropped first."""
_THUMBNAIL_SIDE = 96
_DRAWN_SIDE = 64
_FINGERPRINT_SIDE = 8

Region = tuple[int, int, int, int]
"""Left, right, top, bottom in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedImage:
    """What is stored of an image."""

    width: int
    height: int
    thumbnail: Image.Image
    """The whole image, scaled to a small square."""


class UploadedImages:
    """The uploaded images. Safe for use by several threads."""

    def __init__(self) -> None:
        self._images: OrderedDict[str, UploadedImage] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._images)

    def save(self, content: bytes) -> str | None:
        """Store an image file and return its id, a hash of the bytes; None if it is no readable image."""
        image = _read_image(content)
        if image is None:
            return None
        digest = int.from_bytes(blake2b(content, digest_size=8).digest())
        image_id = str(10**18 + digest % (8 * 10**18))
        with self._lock:
            self._images[image_id] = image
            self._images.move_to_end(image_id)
            if len(self._images) > MAX_UPLOADED_IMAGES:
                self._images.popitem(last=False)
        return image_id

    def find(self, image_id: str) -> UploadedImage | None:
        """Return the image with this id."""
        return self._images.get(image_id)


class ImageIndex:
    """The fingerprints of all offers, computed on first use. Safe for use by several threads."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._fingerprints: list[tuple[Offer, tuple[bytes, ...]]] = []
        self._lock = threading.Lock()

    def rank(self, image: UploadedImage, region: Region | None = None) -> list[Offer]:
        """Return all offers, the most similar first. With a region, only that part of the image counts."""
        target = _compute_fingerprint(_crop(image, region) if region else image.thumbnail)
        ranked = sorted(
            (min(_distance(target, fingerprint) for fingerprint in fingerprints), offer.offer_id, offer)
            for offer, fingerprints in self._load_fingerprints()
        )
        return [offer for _, _, offer in ranked]

    def _load_fingerprints(self) -> list[tuple[Offer, tuple[bytes, ...]]]:
        with self._lock:
            if not self._fingerprints:
                self._fingerprints = [
                    (offer, _compute_gallery_fingerprints(offer)) for offer in self._catalog.offers
                ]
            return self._fingerprints


def load_offer_image(offer: Offer, number: int) -> UploadedImage | None:
    """Return an image of an offer, as if it had been uploaded."""
    image = draw_image(offer, number, _THUMBNAIL_SIDE)
    return UploadedImage(width=WIDTH, height=HEIGHT, thumbnail=image) if image else None


def _read_image(content: bytes) -> UploadedImage | None:
    if len(content) > MAX_IMAGE_BYTES:
        return None
    try:
        with Image.open(BytesIO(content)) as image:
            if image.width * image.height > MAX_IMAGE_PIXELS:
                return None
            thumbnail = image.convert("RGB").resize((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), Image.Resampling.BOX)
            return UploadedImage(width=image.width, height=image.height, thumbnail=thumbnail)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        # Pillow raises any of these for a broken file.
        return None


def _compute_gallery_fingerprints(offer: Offer) -> tuple[bytes, ...]:
    gallery = (draw_image(offer, number, _DRAWN_SIDE) for number in GALLERY)
    return tuple(_compute_fingerprint(image) for image in gallery if image)


def _compute_fingerprint(image: Image.Image) -> bytes:
    """Return red, green and blue of 8 x 8 fields. Scaling and compression hardly change them."""
    return image.resize((_FINGERPRINT_SIDE, _FINGERPRINT_SIDE), Image.Resampling.BOX).tobytes()


def _distance(first: bytes, second: bytes) -> int:
    return sum(abs(a - b) for a, b in zip(first, second, strict=True))


def _crop(image: UploadedImage, region: Region) -> Image.Image:
    left, right, top, bottom = region
    scale_x, scale_y = _THUMBNAIL_SIDE / image.width, _THUMBNAIL_SIDE / image.height
    box = (left * scale_x, top * scale_y, right * scale_x, bottom * scale_y)
    return image.thumbnail.resize((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), Image.Resampling.BILINEAR, box=box)
