"""1688's signature: HMAC-SHA1 over the URL path and the sorted parameters."""

import hmac
from collections.abc import Mapping, Sequence

SIGNATURE = b"_aop_signature"

_CHUNK_CHARACTERS = 2**16


def sign(secret: bytes, path: str, parameters: Mapping[str, str]) -> str:
    """Return `_aop_signature`, 40 upper-case hex digits.

    `path` is the URL path from the protocol on (param2/1/namespace/name/appKey). `parameters` are all that
    are sent, not encoded, except the signature itself and file parts. The texts name + value are sorted as
    bytes, as 1688's own client does. Sorting by name gives another order if one name is a prefix of
    another.
    """
    mac = hmac.new(secret, path.encode(), "sha1")
    for text in _sorted_texts(parameters):
        for start in range(0, len(text), _CHUNK_CHARACTERS):  # no second copy of a large image
            mac.update(text[start : start + _CHUNK_CHARACTERS].encode())
    return mac.hexdigest().upper()


def string_to_sign(path: str, parameters: Mapping[str, str]) -> bytes:
    """Return what `sign` computes the digest of."""
    return "".join((path, *_sorted_texts(parameters))).encode()


def is_push_signed(secret: bytes, received: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether 1688 signed a pushed message: as `sign` does, without a path, over all other parameters.

    `received` are the decoded parameters of query and body together. The comparison takes constant time and
    ignores case. A message without a signature, or with several, is not signed.
    """
    signatures = [value for name, value in received if name == SIGNATURE]
    texts = (name + value for name, value in received if name != SIGNATURE)
    expected = hmac.digest(secret, b"".join(sorted(texts)), "sha1").hex().upper().encode()
    return len(signatures) == 1 and hmac.compare_digest(expected, signatures[0].upper())


def _sorted_texts(parameters: Mapping[str, str]) -> list[str]:
    """Return each name with its value, sorted: code points sort as their UTF-8 bytes do."""
    return sorted(name + value for name, value in parameters.items())
