"""Protobuf's wire format, as far as the decoder writes it: tags, varints, lengths.

Replies become serialized messages without a message object in between. The order of fields in the bytes
follows 1688's reply, which protobuf allows.
"""

import struct

VARINT, FIXED64, LENGTH = 0, 1, 2
_SMALL = tuple(bytes((number,)) for number in range(128))


def varint(number: int) -> bytes:
    """Encode an int32, int64, bool or enum; negative numbers take ten bytes."""
    if 0 <= number < 128:
        return _SMALL[number]
    number &= 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def tag(number: int, kind: int) -> bytes:
    """Return what stands before a field's value."""
    return varint(number << 3 | kind)


def sized(data: bytes) -> bytes:
    """Text, bytes or a message with its length before it."""
    return varint(len(data)) + data


double = struct.Struct("<d").pack
"""Encode a double."""
