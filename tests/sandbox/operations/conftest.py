"""A buyer of purchase orders."""

import pytest

from tests.sandbox.operations.buyer import Buyer


@pytest.fixture
async def buyer(client):
    return Buyer(client)
