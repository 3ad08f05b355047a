"""The ack id: identifies one delivery of a message to a consumer."""

from collections.abc import Sequence

import msgspec

from services.errors import InvalidRequest, Violation
from services.opaque_token import decode_numbers, encode_token


class AckId(msgspec.Struct, frozen=True):
    """One delivery of a message. `str()` of it is the text that consumers get."""

    subscription_id: int
    message_seq: int
    lease_id: int
    """Of the row of the message when it was delivered. The row has another one since its next delivery."""

    def __str__(self) -> str:
        return encode_token(self.subscription_id, self.message_seq, self.lease_id)


def parse_ack_ids(texts: Sequence[str], subscription_id: int, field: str = "ack_ids") -> list[AckId]:
    """Return the ack ids of a request about a subscription.

    Raises InvalidRequest, which names each text that is not an ack id of this subscription. `field` is the
    path of the list in the request.
    """
    ack_ids = [_parse(text) for text in texts]
    violations = [
        Violation(
            field=f"{field}[{index}]",
            description="must be an ack_id of this subscription",
            reason="ACK_ID",
        )
        for index, ack_id in enumerate(ack_ids)
        if ack_id is None or ack_id.subscription_id != subscription_id
    ]
    if violations:
        raise InvalidRequest(violations)
    return [ack_id for ack_id in ack_ids if ack_id is not None]


def _parse(text: str) -> AckId | None:
    try:
        ack_id = AckId(*decode_numbers(text, 3))
    except ValueError:
        return None
    return ack_id if ack_id.lease_id > 0 else None  # 0: it was never delivered
