"""Which services can be served."""

import pytest

from services.server import Endpoint, StartupError, serve


async def accept(_request, _deadline):
    return b""


BOUND = Endpoint(handler=accept, operation="-")


@pytest.mark.parametrize(
    ("bindings", "lines"),
    [
        ({}, ("nationalsite.account.v1.AccountService/RegisterUser: not bound",)),
        (
            {"RegisterUser": BOUND, "DeleteUser": BOUND},
            ("nationalsite.account.v1.AccountService/DeleteUser: bound, but not an RPC of it",),
        ),
    ],
    ids=["missing", "unknown"],
)
async def test_a_service_binds_exactly_its_rpcs(service, bindings, lines):
    bad = service(bindings=bindings)
    with pytest.raises(StartupError) as caught:
        async with serve(bad, bad.settings()):
            pass
    assert caught.value.lines == lines
