"""The page says how often a fault must occur until a caller sees it. Here the services prove it."""

import json
import time
import uuid
from pathlib import Path

import grpc
import pytest
from nationalsite.account.v1 import CountryAccount, RegisterUserRequest
from nationalsite.product.v1 import SearchByKeywordRequest

import services.sandbox.page

pytestmark = pytest.mark.page

PRESETS = json.loads(
    (Path(services.sandbox.page.__file__).parent / "static" / "fault_presets.json").read_text()
)
TIMEOUT_S = 5


@pytest.fixture
def read(products):
    return lambda: products.SearchByKeyword(
        SearchByKeywordRequest(keyword="dress", page_size=1, country="japan"), timeout=TIMEOUT_S
    )


@pytest.fixture
def write(accounts):
    def register():
        member = uuid.uuid4().hex
        account = CountryAccount(
            country="japan",
            site="site",
            out_login_name=member,
            out_member_id=member,
            ip="192.0.2.1",
            mobile="7012345678",
            mobile_area="JP",
            email=f"{member}@example.com",
        )
        return accounts.RegisterUser(
            RegisterUserRequest(request_id=str(uuid.uuid4()), country_account=account), timeout=TIMEOUT_S
        )

    return register


def _shows(call, fault):
    """Return whether a caller notices a fault."""
    started = time.monotonic()
    try:
        call()
    except grpc.RpcError:
        return True
    return time.monotonic() - started > fault.get("latency_ms", 1_000_000) / 1000


@pytest.mark.parametrize("kind", ["read", "write"])
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset["name"])
def test_number_of_faults_that_shows(sandbox, request, preset, kind):
    call = request.getfixturevalue(kind)
    for _ in range(25):  # they keep the circuit breaker closed, and fill the budget of retries
        call()
    shows_after = preset[f"{kind}_shows_after"]
    if shows_after > 1:
        sandbox.inject_fault(preset["fault"], times=shows_after - 1)
        assert not _shows(call, preset["fault"])
    assert sandbox.state()["faults"] == {}
    sandbox.inject_fault(preset["fault"], times=shows_after)
    assert _shows(call, preset["fault"])
    assert sandbox.state()["faults"] == {}
