"""Who may call: outside loopback the settings have to say it, and the first log line repeats it."""

from typing import Any

import grpc
import pytest

from services.server import StartupError
from services.server.security.access import read_access
from tests.server.callers import CALLER, forwarded, return_identity, rule
from tests.server.conftest import Settings
from tests.server.shop_server import Line, running_shop
from tests.support.status_details import parse_reason

LOOPBACK, ANY = "127.0.0.1:0", "0.0.0.0:0"


def build_settings(**settings: Any) -> Settings:
    return Settings(**settings)


TLS = {"tls_cert_file": "cert", "tls_key_file": "key", "tls_client_ca_file": "ca"}


@pytest.mark.parametrize(
    ("listen", "settings", "callers", "identified_by"),
    [
        (LOOPBACK, {}, "anyone", ()),
        ("127.3.2.1:0", {}, "anyone", ()),
        ("[::1]:0", {}, "anyone", ()),
        ("localhost:0", {}, "anyone", ()),
        (LOOPBACK, {"policy_file": "p"}, "policy", ()),
        (LOOPBACK, {"trusted_proxies": "loopback"}, "anyone", ("trusted proxy",)),
        (ANY, {"allow_unauthenticated_callers": True}, "anyone", ()),
        (ANY, {"trusted_proxies": "loopback"}, "identified", ("trusted proxy",)),
        (ANY, TLS, "identified", ("client certificate",)),
        (ANY, TLS | {"allow_unauthenticated_callers": True}, "anyone", ("client certificate",)),
        (ANY, TLS | {"policy_file": "p"}, "policy", ("client certificate",)),
        (
            ANY,
            TLS | {"policy_file": "p", "trusted_proxies": "::1"},
            "policy",
            ("client certificate", "trusted proxy"),
        ),
    ],
)
def test_the_settings_say_who_may_call(listen, settings, callers, identified_by):
    access = read_access(build_settings(listen=listen, **settings))
    assert (access.callers, access.identified_by) == (callers, identified_by)


@pytest.mark.parametrize("listen", [ANY, "[::]:0", "10.0.0.1:0", "shop.example:0"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"policy_file": "p"}, {"tls_cert_file": "cert", "tls_key_file": "key"}],
    ids=["nothing", "only a policy", "only TLS"],
)
def test_a_reachable_server_does_not_start_unless_callers_are_identified(listen, settings):
    with pytest.raises(StartupError) as caught:
        read_access(build_settings(listen=listen, **settings))
    assert caught.value.lines == (
        f"NATIONALSITE_LISTEN: other hosts can reach {listen}, and nothing identifies callers: set "
        "NATIONALSITE_TLS_CLIENT_CA_FILE or NATIONALSITE_TRUSTED_PROXIES; or "
        "NATIONALSITE_ALLOW_UNAUTHENTICATED_CALLERS=on, if anyone may call",
    )


def test_a_policy_does_not_allow_unauthenticated_callers():
    with pytest.raises(StartupError) as caught:
        read_access(build_settings(policy_file="p", allow_unauthenticated_callers=True))
    assert caught.value.lines == (
        "NATIONALSITE_ALLOW_UNAUTHENTICATED_CALLERS: contradicts NATIONALSITE_POLICY_FILE, "
        "which allows only known callers",
    )


async def test_a_server_that_is_reachable_does_not_start_silently():
    with pytest.raises(StartupError) as caught:
        async with running_shop({}, listen=ANY):
            raise AssertionError
    assert caught.value.lines[0].startswith("NATIONALSITE_LISTEN: other hosts can reach")


async def test_behind_a_sidecar_only_callers_with_an_identity_may_call():
    """The sidecar of a mesh connects from loopback; the pod listens on all addresses."""
    async with running_shop({"Ask": return_identity}, listen=ANY, trusted_proxies="loopback") as shop:
        call = shop.client.Ask(Line(), metadata=forwarded(f"URI={CALLER}"))
        assert (await call).sku == CALLER[-8:]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.client.Ask(Line())
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert parse_reason(caught.value) == "CALLER_UNKNOWN"


async def test_with_the_setting_anyone_may_call():
    async with running_shop({"Ask": return_identity}, listen=ANY, allow_unauthenticated_callers=True) as shop:
        assert (await shop.client.Ask(Line())).sku == ""


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, {"level": "info", "callers": "anyone", "identified_by": []}),
        (
            {"listen": ANY, "allow_unauthenticated_callers": True},
            {"level": "warning", "callers": "anyone", "identified_by": []},
        ),
        (
            {"listen": ANY, "trusted_proxies": "loopback"},
            {"level": "info", "callers": "identified", "identified_by": ["trusted proxy"]},
        ),
    ],
)
async def test_the_first_log_line_says_who_may_call(logged, settings, line):
    async with running_shop({}, **settings):
        pass
    first = logged()[0]
    assert first["event"] == "access"
    assert first | line == first


async def test_the_first_log_line_names_the_policy(logged, policy):
    policy(rule([CALLER], ["*"]))
    async with running_shop({}, policy_file=policy.path):
        pass
    assert logged()[0]["callers"] == "policy"
    assert logged()[0]["policy_file"] == str(policy.path)
