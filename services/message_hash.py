"""The hash by which messages with the same content are recognized."""

from hashlib import sha256

from google.protobuf.message import Message


def hash_message(message: Message) -> bytes:
    """Return the SHA-256 of a message."""
    return sha256(message.SerializeToString(deterministic=True)).digest()
