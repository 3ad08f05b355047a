"""From bytes to a request message."""

from collections.abc import Callable

from google.protobuf.message import DecodeError, Message

from services.errors import InvalidRequest, Violation
from services.server.call import MethodInfo


def request_parser(rpc: MethodInfo) -> Callable[[bytes], Message]:
    """What parses a request, and takes nonsense for the caller's error."""
    parse = rpc.request.FromString
    nonsense = Violation(field="", description=f"not a {rpc.descriptor.input_type.full_name}")

    def decode(payload: bytes) -> Message:
        try:
            return parse(payload)
        except DecodeError:
            # Without its cause: protobuf's words can quote the bytes.
            raise InvalidRequest([nonsense]) from None

    return decode
