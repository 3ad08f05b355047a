"""A service needs an endpoint for each method, and no other."""

import pytest

from services.errors import ErrorOrigin
from services.server import Endpoint, StartupError, serve
from tests.server.shop_server import accept

ENDPOINT = Endpoint(handler=accept, origin=ErrorOrigin("-"))


@pytest.mark.parametrize(
    ("endpoints", "lines"),
    [
        ({}, ("nationalsite.account.v1.AccountService/RegisterUser: not bound",)),
        (
            {"RegisterUser": ENDPOINT, "DeleteUser": ENDPOINT},
            ("nationalsite.account.v1.AccountService/DeleteUser: bound, but not an RPC of it",),
        ),
    ],
    ids=["missing", "unknown"],
)
async def test_a_service_binds_exactly_its_methods(build_service, endpoints, lines):
    service = build_service(endpoints=endpoints)
    with pytest.raises(StartupError) as caught:
        async with serve(service, service.settings()):
            pass
    assert caught.value.lines == lines
