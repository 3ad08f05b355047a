"""1688's signature: HMAC-SHA1 over the URL path and the sorted parameters."""

import hmac
from collections.abc import Mapping, Sequence

SIGNATURE = b"_aop_signature"

_AT_ONCE = 2**16


def sign(secret: bytes, path: str, parameters: Mapping[str, str]) -> str:
    """Return `_aop_signature`, 40 upper-case hex digits.

    `path` is the URL path from the protocol on (param2/1/namespace/name/appKey). `parameters` are all that
    are sent, not encoded, save the signature itself and file parts. The texts name + value are sorted as
    bytes, as the platform's own client does; sorting by name differs where one name begins another.
    """
    mac = hmac.new(secret, path.encode(), "sha1")
    for text in _texts(parameters):
        for start in range(0, len(text), _AT_ONCE):  # of a picture no further copy is made
            mac.update(text[start : start + _AT_ONCE].encode())
    return mac.hexdigest().upper()


def string_to_sign(path: str, parameters: Mapping[str, str]) -> bytes:
    """Return what `sign` takes the digest of."""
    return "".join((path, *_texts(parameters))).encode()


def is_push_signed(secret: bytes, received: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether 1688 signed a pushed message: the same with no path, over all that came save the signature.

    `received` are the decoded parameters of query and body together. Compared in constant time, without
    regard to case. Without a signature, or with several, the answer is no.
    """
    told = [value for name, value in received if name == SIGNATURE]
    texts = (name + value for name, value in received if name != SIGNATURE)
    found = hmac.digest(secret, b"".join(sorted(texts)), "sha1").hex().upper().encode()
    return len(told) == 1 and hmac.compare_digest(found, told[0].upper())


def _texts(parameters: Mapping[str, str]) -> list[str]:
    """Names with their values, in the order in which they are signed: code points sort as UTF-8 does."""
    return sorted(name + value for name, value in parameters.items())
