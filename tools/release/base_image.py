"""The base image of a release: a tag can move, a digest cannot."""

import re
from collections.abc import Iterator
from pathlib import Path

DOCKERFILE = "deploy/Dockerfile"
_BASE = re.compile(r"^ARG BASE=(?P<image>\S*)$", re.M)
_WITH_DIGEST = re.compile(r"[^@]+@sha256:[0-9a-f]{64}")


def unpinned(root: Path) -> Iterator[str]:
    """Yield why the base image of the Dockerfile is not fixed by a digest, if it is not."""
    bases = [match["image"] for match in _BASE.finditer((root / DOCKERFILE).read_text(encoding="utf-8"))]
    if len(bases) != 1:
        yield f"{DOCKERFILE} has {len(bases)} lines ARG BASE=IMAGE"
    for image in bases:
        if not _WITH_DIGEST.fullmatch(image):
            yield f"{DOCKERFILE} builds on {image}, without a digest: write ARG BASE={image}@sha256:..."
