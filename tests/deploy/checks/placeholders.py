"""A check of an overlay: the examples of deploy/environments were replaced."""

import re
from collections.abc import Iterator, Sequence

from tests.deploy.checks.manifest_fields import Problems
from tests.deploy.kustomize import Object, qualified_name

_PLACEHOLDER = re.compile(r"replace-me|[\w.-]+\.example\b|[\w.]+/ns/shop/sa/(?:web|orders|signup)\b")
"""A setting, a host or registry under the reserved domain .example, or a caller of the example policy."""


def placeholders(objects: Sequence[Object]) -> Problems:
    """Yield each value that is still an example. It is not in CHECKS: the environments consist of them."""
    for item in objects:
        seen = {match[0] for text in _texts(item) for match in _PLACEHOLDER.finditer(text)}
        yield from (f"{qualified_name(item)} still has the placeholder {text}" for text in sorted(seen))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)
