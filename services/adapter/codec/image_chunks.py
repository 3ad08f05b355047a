"""The text of a large image, in chunks: as a whole, it would take more memory than the image."""

from binascii import b2a_base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.adapter.codec.tolerant_json import dump_bytes

LARGE_IMAGE_BYTES = 2**19
"""A smaller image is one text: it is encoded once, and not three times to sign, to measure and to send it."""
CHUNK_BYTES = 3 * 2**15
"""Of an image. A multiple of three, so that the base64 texts of the chunks, joined, are that of the image."""


def is_large_image(value: object) -> bool:
    """Whether a value is sent in chunks."""
    return isinstance(value, bytes) and len(value) >= LARGE_IMAGE_BYTES


@dataclass(frozen=True, slots=True)
class Base64Chunks:
    """An image as base64 text."""

    image: bytes

    def __iter__(self) -> Iterator[bytes]:
        view = memoryview(self.image)
        for start in range(0, len(view), CHUNK_BYTES):
            yield b2a_base64(view[start : start + CHUNK_BYTES], newline=False)


@dataclass(frozen=True, slots=True)
class JsonChunks:
    """An object as the JSON text that `dump` returns. Its members of type bytes are images."""

    members: Mapping[str, object]

    def __iter__(self) -> Iterator[bytes]:
        yield b"{"
        separator = b""
        for name, value in self.members.items():
            yield separator + dump_bytes(name) + b":"
            if isinstance(value, bytes):
                yield b'"'
                yield from Base64Chunks(value)
                yield b'"'
            else:
                yield dump_bytes(value)
            separator = b","
        yield b"}"
