"""Which services can be served."""

import pytest

from services.serving import Binding, CannotStart, serve


async def accept(_request, _deadline):
    return b""


BOUND = Binding(handler=accept, operation="-")


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
    with pytest.raises(CannotStart) as caught:
        async with serve(bad, bad.settings()):
            pass
    assert caught.value.lines == lines
