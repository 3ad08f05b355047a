"""Protobuf's wire format, as far as the decoder writes it: tags, varints, lengths.

Replies become serialized messages without a message object in between. The order of fields in the bytes
follows 1688's reply, which protobuf allows.
"""

import struct

VARINT, FIXED64, LENGTH = 0, 1, 2
# Two groups of seven bits at a time: lengths and counts are one look-up, an id of 13 digits three.
_BITS = 14
SHORT = tuple(bytes((n,)) if n < 128 else bytes((n & 127 | 128, n >> 7)) for n in range(1 << _BITS))
"""The varints of small numbers, for a caller to whom a call is too dear."""
_MORE = tuple(bytes((n & 127 | 128, n >> 7 | 128)) for n in range(1 << _BITS))


def varint(number: int) -> bytes:
    """Encode an int32, int64, bool or enum; negative numbers take ten bytes."""
    if 0 <= number < 1 << _BITS:
        return SHORT[number]
    number &= 0xFFFF_FFFF_FFFF_FFFF
    out = b""
    while number >= 1 << _BITS:
        out += _MORE[number & (1 << _BITS) - 1]
        number >>= _BITS
    return out + SHORT[number]


def tag(number: int, kind: int) -> bytes:
    """Return what stands before a field's value."""
    return varint(number << 3 | kind)


double = struct.Struct("<d").pack
"""Encode a double."""
