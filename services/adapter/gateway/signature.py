"""1688's signature: HMAC-SHA1 over the URL path and the sorted parameters."""

import hmac
from collections.abc import Mapping

_CHUNK_CHARACTERS = 2**16


def sign(secret: bytes, path: str, parameters: Mapping[str, str]) -> str:
    """Return `_aop_signature`, 40 upper-case hex digits.

    `path` is the URL path after `/openapi/` (param2/1/namespace/name/appKey). `parameters` are all parameters
    of the request, not encoded, without the signature itself and without file parts. Each name is joined to
    its value, and the joined texts are sorted as bytes, as 1688's own client does. Sorting by name alone
    would give another order if one name is a prefix of another.
    """
    mac = hmac.new(secret, path.encode(), "sha1")
    for text in _sorted_texts(parameters):
        for start in range(0, len(text), _CHUNK_CHARACTERS):  # a large image is not copied as a whole
            mac.update(text[start : start + _CHUNK_CHARACTERS].encode())
    return mac.hexdigest().upper()


def string_to_sign(path: str, parameters: Mapping[str, str]) -> bytes:
    """Return the bytes that `sign` computes the digest of."""
    return "".join((path, *_sorted_texts(parameters))).encode()


def is_push_signed(secret: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a pushed message has 1688's signature.

    1688 computes it as `sign` does, but without a path. `message` and `signature` are the decoded values of
    the parameters `message` and `_aop_signature`. Signatures are compared in constant time, ignoring case.
    """
    expected = hmac.digest(secret, b"message" + message, "sha1").hex().upper().encode()
    return hmac.compare_digest(expected, signature.upper())


def _sorted_texts(parameters: Mapping[str, str]) -> list[str]:
    """Return each name joined to its value, sorted. Python's order, by code point, is that of UTF-8 bytes."""
    return sorted(name + value for name, value in parameters.items())
