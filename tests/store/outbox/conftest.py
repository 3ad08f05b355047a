"""The receiver of deliveries."""

import pytest

from tests.store.outbox.receiver import FakeReceiver


@pytest.fixture
def receiver():
    return FakeReceiver()
