"""1688's signature: HMAC-SHA1 over the URL path and the sorted parameters."""

import hmac
from collections.abc import Mapping


def sign(secret: bytes, path: str, parameters: Mapping[str, str]) -> str:
    """Return `_aop_signature`, 40 upper-case hex digits.

    `path` is the URL path from the protocol on (param2/1/namespace/name/appKey), empty for pushed messages.
    `parameters` are all that are sent, not encoded, save the signature itself and file parts. The texts
    name + value are sorted as bytes, as the platform's own client does; sorting by name differs where one
    name begins another.
    """
    texts = sorted([(name + value).encode() for name, value in parameters.items()])
    return hmac.digest(secret, path.encode() + b"".join(texts), "sha1").hex().upper()
