"""OrderSyncService with its code as it is and its longest times cut, for tests that cannot wait a minute.

What a crash leaves behind is free when a lease ends: a minute later for a delivery or a replay, 20 seconds
later for a request id. `python -m tests.durability.hasty` needs seconds for each.
"""

from functools import partial

from services.delivery import Patience, RelayLimits, RoomLimits, once, open_room
from services.order_sync import replay, sending, service
from services.serving import request_ids, run

RELAY = RelayLimits(send_s=2.0, note_s=2.0, patience=Patience(first_pause_s=0.1, longest_pause_s=1.0))
REQUEST_S = 4.0
"""From the beginning of a call with a request id to the end of its lease."""
REPLAY_S = 3.0

if __name__ == "__main__":
    service.open_room = partial(open_room, limits=RoomLimits(relay=RELAY))
    sending.SEND_S = 1.5
    request_ids.DEFAULT_TIMEOUT_S = 3.0
    once.NOTE_S = REQUEST_S - request_ids.DEFAULT_TIMEOUT_S
    replay.LEASE_S, replay.PAGE_S = REPLAY_S, 2.0
    run(service.ORDER_SYNC)
