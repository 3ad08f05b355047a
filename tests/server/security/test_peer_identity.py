"""The identity of callers behind proxies."""

import pytest

from services.server.security.peer_identity import parse_xfcc
from tests.server.callers import CALLER, forwarded, return_identity
from tests.server.shop_server import Line, running_shop


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (f"By=spiffe://us;Hash=ab;URI={CALLER}", [CALLER]),
        (
            f'By=spiffe://us;URI=spiffe://forwarded-only,By=spiffe://us;Subject="CN=a,O=\\"b;c\\"";URI={CALLER}',
            [CALLER],
        ),
        (f"Hash=ab;DNS=front.shop;DNS=shop;URI={CALLER}", ["front.shop", "shop", CALLER]),
        ('URI="spiffe://with;marks,in=it"', ["spiffe://with;marks,in=it"]),
        ('Subject="CN=x";URI=', []),
        (f"URI={CALLER},By=spiffe://us;Hash=ab", []),
        (f"URI={CALLER},nonsense", []),
        (f'Subject="open;URI={CALLER}', []),
        (f"URI={CALLER};", []),
        ("", []),
    ],
)
def test_parse_xfcc(header, names):
    assert parse_xfcc(header) == names


@pytest.mark.parametrize(
    ("trusted", "headers", "identity"),
    [
        ("loopback", forwarded(f"URI={CALLER}"), CALLER),
        ("127.0.0.0/8", forwarded(f"DNS=a.shop;URI={CALLER}"), CALLER),
        ("10.0.0.0/8, ::1, 127.0.0.1", forwarded("DNS=a.shop"), "a.shop"),
        ("loopback", forwarded(f"URI={CALLER}", "URI=spiffe://nearer"), "spiffe://nearer"),
        ("loopback", (), ""),
        ("10.0.0.0/8", forwarded(f"URI={CALLER}"), ""),
        ("", forwarded(f"URI={CALLER}"), ""),
    ],
)
async def test_only_trusted_proxies_can_forward_an_identity(logged, trusted, headers, identity):
    async with running_shop(
        {"Ask": return_identity}, **({"trusted_proxies": trusted} if trusted else {})
    ) as shop:
        assert (await shop.client.Ask(Line(), metadata=headers)).sku == identity[-8:]
    assert [line.get("caller", "") for line in logged("call")] == [identity]
