"""Rejections: 1688 rejects a request, and its response still has a link, a refund or a list of orders."""

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.adapter import OperationClient
from services.server import to_rich_status


async def call_with_rejection(
    operations: OperationClient, method: MethodDescriptor, request: Message, deadline: float
) -> bytes:
    """Call the operation of an RPC; return the response.

    If 1688 rejected the request, the response has the field `rejection`. Raises if it has no content.
    """
    response, rejection = await operations.call_partial(method.name, request, deadline)
    if rejection is None:
        return response
    status = to_rich_status(rejection, operations[method.name].origin, request)
    # A serialized message to which another is appended has the fields of both.
    return response + GetMessageClass(method.output_type)(rejection=status).SerializeToString()
