"""The identity of callers: behind proxies, and by their own certificates."""

import grpc
import pytest

from services.server import current_caller
from services.server.security.peer_identity import parse_xfcc
from services.server.security.spiffe import is_spiffe_id
from tests.server.callers import CALLER, forwarded, return_identity
from tests.server.shop_server import Line, ShopClient, connect, running_shop
from tests.support.certificates import CertificateAuthority
from tests.support.status_details import parse_reason

OTHER = "spiffe://shop/ns/other"
REFUSED = "CALLER_UNKNOWN"


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        (CALLER, True),
        ("spiffe://trust-domain.example_1", True),
        ("spiffe://a/B-.c_9/...", True),
        (f"spiffe://{'a' * 255}", True),
        (f"spiffe://{'a' * 256}", False),
        (f"spiffe://a/{'b' * 2038}", False),
        ("spiffe://", False),
        ("spiffe:///ns", False),
        ("SPIFFE://a/b", False),
        ("spiffe://A/b", False),
        ("spiffe://a:443/b", False),
        ("spiffe://u@a/b", False),
        ("spiffe://a/", False),
        ("spiffe://a//b", False),
        ("spiffe://a/./b", False),
        ("spiffe://a/..", False),
        ("spiffe://a/%62", False),
        ("spiffe://a/b?c", False),
        ("spiffe://a/b#c", False),
        ("spiffe://a/b\n", False),
        ("spiffe://a/b\0", False),
        ("spiffe://a/b c", False),
        ("spiffe://a/\u0431", False),
        ("https://a/b", False),
        ("", False),
    ],
)
def test_is_spiffe_id(text, is_valid):
    assert is_spiffe_id(text) == is_valid


@pytest.mark.parametrize(
    ("line", "uris"),
    [
        (f"By=spiffe://us;Hash=ab;URI={CALLER}", [[CALLER]]),
        (
            f'By=spiffe://us;URI={OTHER},By=spiffe://us;Subject="CN=a,O=\\"b;c\\"";URI={CALLER}',
            [[OTHER], [CALLER]],
        ),
        (f"Hash=ab;DNS=front.shop;DNS=shop;URI={CALLER}", [[CALLER]]),
        (f"URI={CALLER};URI={OTHER}", [[CALLER, OTHER]]),
        ('URI="spiffe://with;marks,in=it"', [["spiffe://with;marks,in=it"]]),
        ('Subject="CN=x";URI=', [[""]]),
        (f"URI={CALLER},By=spiffe://us;Hash=ab", [[CALLER], []]),
        (f"URI={CALLER},nonsense", []),
        (f'Subject="open;URI={CALLER}', []),
        (f"URI={CALLER};", []),
        ("", []),
    ],
)
def test_parse_xfcc(line, uris):
    assert parse_xfcc(line) == uris


@pytest.mark.parametrize(
    ("trusted", "headers", "identity"),
    [
        ("loopback", forwarded(f"URI={CALLER}"), CALLER),
        ("127.0.0.0/8", forwarded(f"DNS=a.shop;URI={CALLER}"), CALLER),
        ("10.0.0.0/8, ::1, 127.0.0.1", forwarded(f'By=spiffe://us;Subject="";URI="{CALLER}"'), CALLER),
        ("loopback", (), ""),
        ("loopback", forwarded("Hash=ab;URI="), ""),
        ("loopback", forwarded("Hash=ab;DNS=a.shop"), ""),
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


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(forwarded(f"URI={OTHER},URI={CALLER}"), id="two elements"),
        pytest.param(forwarded(f"URI={OTHER};DNS=x,URI={CALLER}"), id="a comma in a DNS name"),
        pytest.param(forwarded(f"URI={OTHER};DNS=x;URI={CALLER}"), id="a semicolon in a DNS name"),
        pytest.param(forwarded(f"URI=;DNS=x;URI={CALLER}"), id="a semicolon in the only name"),
        pytest.param(forwarded(f"URI={CALLER}", f"URI={CALLER}"), id="two lines"),
        pytest.param(forwarded('Subject="', f'";URI={CALLER}'), id="one quote over two lines"),
        pytest.param(forwarded(f"URI={CALLER}", ""), id="an empty line"),
        pytest.param(forwarded(f'Subject="open;URI={CALLER}'), id="malformed"),
        pytest.param(forwarded("URI=https://shop/ns"), id="another URI"),
        pytest.param(forwarded(f"URI={CALLER}%2Fx"), id="another alphabet"),
    ],
)
async def test_an_ambiguous_forwarded_identity_is_refused(headers):
    async with running_shop({"Ask": return_identity}, trusted_proxies="loopback") as shop:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.client.Ask(Line(), metadata=headers)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert parse_reason(caught.value) == REFUSED


@pytest.fixture(scope="module")
def authority():
    return CertificateAuthority()


async def who(_request, _deadline):
    return Line(order_id=current_caller().identity).SerializeToString()


async def ask(channel, **arguments):
    """Return the identity that the server sees, or the reason of the error."""
    try:
        return (await ShopClient(channel).Ask(Line(), **arguments)).order_id
    except grpc.aio.AioRpcError as error:
        return parse_reason(error)


async def test_only_one_uri_of_a_certificate_is_an_identity(authority, tmp_path):
    (tmp_path / "ca").write_bytes(authority.cert)
    settings = authority.issue().write(tmp_path) | {"tls_client_ca_file": tmp_path / "ca"}
    expected = {
        authority.issue(CALLER, dns="client.shop", emails=["a@shop"]): CALLER,
        authority.issue(dns="client.shop"): "",
        authority.issue(dns=CALLER): "",
        authority.issue(emails=[CALLER]): "",
        authority.issue(f"{CALLER}\0.evil"): REFUSED,
        authority.issue(OTHER, CALLER): REFUSED,
        authority.issue(CALLER, "https://shop"): REFUSED,
        authority.issue("https://shop", dns=CALLER): REFUSED,
        authority.issue(CALLER.upper()): REFUSED,
        authority.issue(f"{CALLER}/../back"): REFUSED,
    }
    async with running_shop({"Ask": who}, credentials=authority.channel_credentials(), **settings) as shop:
        for certificate, identity in expected.items():
            credentials = authority.channel_credentials(certificate)
            async with connect(f"127.0.0.1:{shop.addresses.port}", credentials) as channel:
                assert await ask(channel) == identity


async def test_the_certificate_of_a_trusted_proxy_identifies_no_caller(authority, tmp_path):
    (tmp_path / "ca").write_bytes(authority.cert)
    settings = authority.issue().write(tmp_path) | {"tls_client_ca_file": tmp_path / "ca"}
    proxy = authority.channel_credentials(authority.issue("spiffe://shop/proxy"))
    async with running_shop({"Ask": who}, credentials=proxy, trusted_proxies="loopback", **settings) as shop:
        assert await ask(shop.client.channel) == ""
        assert await ask(shop.client.channel, metadata=forwarded(f"URI={CALLER}")) == CALLER
