"""Which services can be served."""

import pytest
from grpc_health.v1 import health_pb2

from services.serving import Binding, CannotStart, serve
from services.serving.binding import bind


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


def test_streams_are_refused_at_start():
    health = health_pb2.DESCRIPTOR.services_by_name["Health"]
    with pytest.raises(CannotStart) as caught:
        bind(health, dict.fromkeys(health.methods_by_name, BOUND))
    assert "grpc.health.v1.Health/Watch: streams, which this server cannot serve yet" in caught.value.lines
