"""A consumer whose lease has ended does not affect the next one, on each engine.

On PostgreSQL the two consumers use two replicas. On SQLite there is one replica.
"""

from typing import Literal

import grpc
import pytest
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.durability.conftest import StartReplica
from tests.support.callbacks import push
from tests.support.lapsed_leases import check_that_an_ended_lease_affects_nobody

pytestmark = pytest.mark.durability


@pytest.mark.parametrize("consume", ["pull", "stream"])
def test_a_consumer_whose_lease_has_ended_does_not_affect_the_next_one(
    consume: Literal["pull", "stream"], database_url: str, start_replica: StartReplica
) -> None:
    replica_count = 2 if database_url.startswith("postgresql") else 1
    replicas = [start_replica(database_url) for _ in range(replica_count)]
    callback = f"http://{replicas[0].callback}/callbacks/1688"
    with (
        grpc.insecure_channel(replicas[0].grpc) as first,
        grpc.insecure_channel(replicas[-1].grpc) as second,
    ):
        check_that_an_ended_lease_affects_nobody(
            OrderSyncServiceStub(first),
            OrderSyncServiceStub(second),
            lambda text: push(callback, text),
            consume,
        )
