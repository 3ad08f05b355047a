"""1688's signature: HMAC-SHA1 over the URL path and the sorted parameters."""

import hmac
from collections.abc import Iterator, Mapping

from services.adapter.form_value import FormValue, is_short, iterate_chunks


def sign(secret: bytes, path: str, parameters: Mapping[str, FormValue]) -> str:
    """Return `_aop_signature`, 40 upper-case hex digits.

    `path` is the URL path after `/openapi/` (param2/1/namespace/name/appKey). `parameters` are all parameters
    of the request, not encoded, without the signature itself and without file parts. Each name is joined to
    its value, and the joined texts are sorted as bytes, as 1688's own client does. Sorting by name alone
    would give another order if one name is a prefix of another.
    """
    if is_short(parameters):
        return hmac.digest(secret, _join_texts(path, parameters), "sha1").hex().upper()
    mac = hmac.new(secret, digestmod="sha1")
    for chunk in _chunks_to_sign(path, parameters):
        mac.update(chunk)
    return mac.hexdigest().upper()


def string_to_sign(path: str, parameters: Mapping[str, FormValue]) -> bytes:
    """Return the bytes that `sign` computes the digest of."""
    return b"".join(_chunks_to_sign(path, parameters))


def is_push_signed(secret: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a pushed message has 1688's signature.

    1688 computes it as `sign` does, but without a path. `message` and `signature` are the decoded values of
    the parameters `message` and `_aop_signature`. Signatures are compared in constant time, ignoring case.
    """
    expected = hmac.digest(secret, b"message" + message, "sha1").hex().upper().encode()
    return hmac.compare_digest(expected, signature.upper())


def _join_texts(path: str, parameters: Mapping[str, str]) -> bytes:
    """Return the same as `string_to_sign`. Python's order of texts, by code point, is that of UTF-8 bytes."""
    return "".join((path, *sorted(map("".join, parameters.items())))).encode()


def _chunks_to_sign(path: str, parameters: Mapping[str, FormValue]) -> Iterator[bytes]:
    yield path.encode()
    for name, value in sorted(parameters.items(), key=_to_sort_key):
        yield name.encode()
        yield from iterate_chunks(value)


def _to_sort_key(parameter: tuple[str, FormValue]) -> bytes:
    """Return the name, joined to the first chunk of its value: no other parameter begins with that."""
    name, value = parameter
    return name.encode() + next(iter(iterate_chunks(value)))
