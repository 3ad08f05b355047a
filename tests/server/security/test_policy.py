"""The policy: what it allows, how it is reloaded, and its errors."""

import grpc
import pytest

from services.server import StartupError
from tests.server.callers import CALLER, forwarded, return_identity, rule
from tests.server.shop_server import Line, running_shop
from tests.support.status_details import parse_reason


@pytest.mark.parametrize(
    ("callers", "methods", "allowed"),
    [
        ([CALLER], ["shop.v1.Shop/Ask"], True),
        (["spiffe://shop/ns/web/*"], ["shop.v1.Shop/*"], True),
        (["spiffe://other", "*"], ["other.v1.Other/Ask", "*"], True),
        (["spiffe://shop/ns/*/sa/front"[:16]], ["*"], False),
        ([CALLER], ["shop.v1.Shop/Buy", "other.v1.Other/*"], False),
        ([f"{CALLER}-end"], ["*"], False),
    ],
)
async def test_a_policy_allows_the_callers_of_its_rules(policy, callers, methods, allowed):
    policy(rule(callers, methods))
    async with running_shop(
        {"Ask": return_identity}, policy_file=policy.path, trusted_proxies="loopback"
    ) as shop:
        call = shop.client.Ask(Line(), metadata=forwarded(f"URI={CALLER}"))
        if allowed:
            await call
        else:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
            assert parse_reason(caught.value) == "CALLER_FORBIDDEN"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.client.Ask(Line())
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert parse_reason(caught.value) == "CALLER_UNKNOWN"


async def test_a_policy_covers_streams(policy):
    policy(rule([CALLER], ["shop.v1.Shop/Ask"]))
    async with running_shop({}, policy_file=policy.path, trusted_proxies="loopback") as shop:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.client.Chat(metadata=forwarded(f"URI={CALLER}")).read()
    assert parse_reason(caught.value) == "CALLER_FORBIDDEN"


async def test_a_changed_policy_is_reloaded_unless_it_is_invalid(policy, logged):
    policy(rule([CALLER], ["*"]))
    metadata = forwarded(f"URI={CALLER}")
    async with running_shop(
        {"Ask": return_identity}, policy_file=policy.path, trusted_proxies="loopback"
    ) as shop:
        await shop.client.Ask(Line(), metadata=metadata)
        policy()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.client.Ask(Line(), metadata=metadata)
        assert parse_reason(caught.value) == "CALLER_FORBIDDEN"
        policy(rule([CALLER], ["*"]))
        await shop.client.Ask(Line(), metadata=metadata)
        policy(text="{")
        await shop.client.Ask(Line(), metadata=metadata)
        policy.path.unlink()
        await shop.client.Ask(Line(), metadata=metadata)
    assert len(logged("policy_loaded")) == 2
    first, second = logged("policy_rejected")
    assert first["problems"][0].startswith(
        f"NATIONALSITE_POLICY_FILE: {policy.path}: Expecting property name"
    )
    assert second["problems"] == [
        f"NATIONALSITE_POLICY_FILE: cannot read {policy.path}: No such file or directory"
    ]


async def test_an_invalid_policy_stops_the_start_with_a_line_for_each_problem(policy, tmp_path):
    (tmp_path / "cert").write_text("no certificate")
    tls = {"tls_cert_file": tmp_path / "cert", "tls_key_file": tmp_path / "cert"}
    policy(rule([], ["shop"]), rule(["a b", "*x"], ["shop.v1.Shop/*", 7]), {"caller": "x"})
    with pytest.raises(StartupError) as caught:
        async with running_shop({}, policy_file=policy.path, **tls):
            raise AssertionError
    tls_line, *lines = caught.value.lines
    assert tls_line.startswith("NATIONALSITE_TLS_CERT_FILE: ")
    start = f"NATIONALSITE_POLICY_FILE: {policy.path}: rules"
    assert lines == [
        f"{start}[0].callers: must not be empty",
        f"{start}[0].methods[0]: must be package.Service/Method, package.Service/* or *",
        f"{start}[1].callers[0]: must be an identity, which may end in *",
        f"{start}[1].callers[1]: must be an identity, which may end in *",
        f"{start}[1].methods[1]: must be a valid string",
        f"{start}[2].callers: is required",
        f"{start}[2].methods: is required",
        f"{start}[2].caller: is not known here",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"rules": [], "rules": []}', "{path}: a member is duplicated in one object"),
        (
            '{"rules": [{"callers": ["*"], "methods": ["shop.v1.Shop/Sell"]}]}',
            "rules[0].methods: shop.v1.Shop has no Sell",
        ),
        ("[]", "{path}: must be an object"),
    ],
)
async def test_a_policy_is_validated_strictly(policy, text, line):
    policy(text=text)
    with pytest.raises(StartupError) as caught:
        async with running_shop({}, policy_file=policy.path):
            raise AssertionError
    assert caught.value.lines == ("NATIONALSITE_POLICY_FILE: " + line.format(path=policy.path),)
