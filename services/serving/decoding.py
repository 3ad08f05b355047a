"""From bytes to the request message."""

from google.protobuf.message import DecodeError

from services.errors import InvalidRequest, Violation
from services.serving.rpc import Call, Rpc, Step


def decoding(rpc: Rpc, step: Step) -> Step:
    """Parses the request. Here and not by gRPC, so that nonsense is the caller's error and not ours."""
    parse = rpc.request.FromString
    nonsense = Violation(field="", description=f"not a {rpc.descriptor.input_type.full_name}")

    async def decoded(call: Call) -> bytes:
        try:
            call.message = parse(call.payload)
        except DecodeError:
            # Without its cause: protobuf's words can quote the bytes.
            raise InvalidRequest([nonsense]) from None
        return await step(call)

    return decoded
